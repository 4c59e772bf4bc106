import { createApp } from '../app.ts'
import { EXIT, type ExitCode, type ServerParts } from '../cli/index.ts'
import { MIGRATIONS, type Platform } from '../compose.ts'
import type { Config } from '../config.ts'
import { assertServable } from '../fleet/index.ts'
import { drainServer, type HttpServer } from '../http/index.ts'
import { readMigrations } from '../migrations/index.ts'
import { Closers, createLogger, currentContext } from '../platform/index.ts'
import { announceServer, announceWorker } from './announce.ts'
import { type Beginning, openPlatform } from './open-platform.ts'
import { explainStartFailure } from './start-failures.ts'
import { drainTime, endInTime } from './stop-deadline.ts'
import { type Stop, untilToldToStop } from './stop-signals.ts'
import { startWorker } from './worker.ts'

/** For each thing that is closed; more than PostgreSQL takes to stop when it hangs. */
const CLOSE_MS = 30_000

/**
 * Runs the API, the worker or both until a signal comes, then ends what is under way and closes everything in reverse.
 *
 * @returns 0 after an orderly stop; 1 when the start failed, something was thrown that nobody caught, or requests had
 *   not finished at the deadline
 */
export async function serve(config: Config, parts: ServerParts): Promise<ExitCode> {
  const log = createLogger({ ...config.log, context: () => ({ ...currentContext() }) })
  const closers = new Closers()
  // Before anything is opened: a signal during the start must find somebody who listens.
  const stop = untilToldToStop(log)
  const told = new AbortController()
  void stop.then(() => {
    told.abort()
    endInTime(config, log)
  })
  const exitCode = await run({ config, log, closers, told: told.signal }, parts, stop)
  const failures = await closers.close(CLOSE_MS)
  for (const { name, error } of failures) log.error({ err: error }, `closing failed: ${name}`)
  return failures.length > 0 ? EXIT.failed : exitCode
}

/** From the start to the moment when the process is told to stop. */
async function run(beginning: Beginning, parts: ServerParts, stop: Promise<Stop>): Promise<ExitCode> {
  const { config, log } = beginning
  try {
    const platform = await openPlatform(beginning)
    if (platform) await startParts(platform, parts, beginning)
    const { reason, failed } = await stop
    log.info({ reason }, 'stopping')
    return failed ? EXIT.failed : EXIT.done
  } catch (error) {
    log.debug({ err: error }, 'the start failed')
    process.stderr.write(`${explainStartFailure(error, config)}\n`)
    return EXIT.failed
  }
}

async function startParts(
  platform: Platform,
  { api, worker }: ServerParts,
  { config, closers, told }: Beginning,
): Promise<void> {
  if (worker) {
    const running = startWorker(platform)
    closers.push('worker', () => running.stop())
    // At once, not after the requests that still run: nothing new is begun by a process that stops.
    told.addEventListener('abort', () => void running.stop().catch(() => undefined))
  }
  if (!api) return announceWorker()
  await lookAtFleet(platform)
  const { warmer } = platform.tenancy
  warmer.start()
  told.addEventListener('abort', () => void warmer.stop())
  const app = await createApp(platform)
  closers.push('http server', () => stopServing(app, config))
  announceServer(await app.listen({ host: config.host, port: config.port }), config)
}

/** @throws FleetBehindError */
async function lookAtFleet({ core, config, log }: Platform): Promise<void> {
  const behind = await assertServable(core, await readMigrations(MIGRATIONS.tenant), config)
  if (behind > 0)
    log.warn({ tenants: behind }, 'tenants lack migrations and are answered 503 until they have them')
}

/** @throws when requests had not finished at the deadline */
async function stopServing(app: HttpServer, config: Config): Promise<void> {
  const announceMs = config.shutdownDelay * 1000
  const late = await drainServer(app, { announceMs, deadlineMs: drainTime(config) })
  if (late > 0) throw new Error(`${late} requests had not finished at the deadline`)
}
