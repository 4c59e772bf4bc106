import { EXIT } from '../cli/index.ts'
import type { Config } from '../config.ts'
import type { Logger } from '../platform/index.ts'

/** A process that is told to stop has so long, to the last connection: what restarts it then kills it. */
const STOP_MS = 10_000
/** What of it is left for closing connections to databases when running requests took all that they may. */
const CLOSE_MS = 1_000
/** The embedded PostgreSQL writes everything to disk first, and where it starts for the first time that is waited for. */
const EMBEDDED_MS = 20_000

/** Milliseconds that running requests have, once new ones are no longer taken. */
export function drainTime({ shutdownDelay }: Config): number {
  return STOP_MS - shutdownDelay * 1000 - CLOSE_MS
}

/** Ends the process, with 1, when stopping takes too long: a database that does not answer must not hold it. */
export function endInTime(config: Config, log: Logger): void {
  const limitMs = config.databaseUrl === undefined ? STOP_MS + EMBEDDED_MS : STOP_MS
  const end = () => {
    log.fatal({ limit_ms: limitMs }, 'not stopped in time: ending at once')
    process.exit(EXIT.failed)
  }
  setTimeout(end, limitMs).unref()
}
