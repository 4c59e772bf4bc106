import { createApp } from '../app.ts'
import { EXIT, type ExitCode } from '../cli/index.ts'
import { compose, MIGRATIONS } from '../compose.ts'
import type { Config } from '../config.ts'
import { drainServer, type HttpServer } from '../http/index.ts'
import { migrateUp, readMigrations } from '../migrations/index.ts'
import {
  acquireEmbeddedPostgres,
  Closers,
  createLogger,
  currentContext,
  developmentSecret,
  ensureDatabase,
  type Logger,
  MAINTENANCE_TIMEOUTS,
  systemClock,
  withConnection,
} from '../platform/index.ts'
import { announce } from './announce.ts'
import { explainStartFailure } from './start-failures.ts'
import { untilToldToStop } from './stop-signals.ts'

const DRAIN_MS = 10_000
/** More than draining takes, and than PostgreSQL takes to stop when it hangs. */
const CLOSE_MS = 30_000

/**
 * Serves until a signal comes, then ends what is under way and closes everything in reverse.
 *
 * @returns 0 after an orderly stop, 1 when the start failed
 */
export async function serve(config: Config): Promise<ExitCode> {
  const log = createLogger({ ...config.log, context: () => ({ ...currentContext() }) })
  const closers = new Closers()
  // Before anything is opened: a signal during the start must find somebody who listens.
  const stop = untilToldToStop(log)
  const told = new AbortController()
  void stop.then(() => told.abort())
  try {
    const address = await start(config, log, closers, told.signal)
    if (address !== undefined) announce(address, config)
    const { reason, failed } = await stop
    log.info({ reason }, 'stopping')
    return failed ? EXIT.failed : EXIT.done
  } catch (error) {
    log.debug({ err: error }, 'the start failed')
    process.stderr.write(`${explainStartFailure(error, config)}\n`)
    return EXIT.failed
  } finally {
    for (const { name, error } of await closers.close(CLOSE_MS))
      log.error({ err: error }, `closing failed: ${name}`)
  }
}

/** Opens everything, one thing after another; gives up between two of them when the process is told to stop. */
async function start(
  config: Config,
  log: Logger,
  closers: Closers,
  told: AbortSignal,
): Promise<string | undefined> {
  const databaseUrl = await locateDatabase(config, log, closers)
  const secret = config.secret ?? (await developmentSecret(config.dataDir))
  if (told.aborted) return undefined
  await migrateCore(databaseUrl, log)
  if (told.aborted) return undefined

  const platform = await compose({ config, databaseUrl, secret, clock: systemClock, log })
  closers.push('platform', platform.close)
  await platform.tenancy.prepare()
  if (told.aborted) return undefined
  platform.tenancy.worker.start()
  platform.tenancy.warmer.start()

  const app = await createApp(platform)
  closers.push('http server', () => stopServing(app, log))
  return await app.listen({ host: config.host, port: config.port })
}

async function stopServing(app: HttpServer, log: Logger): Promise<void> {
  const cut = await drainServer(app, { deadlineMs: DRAIN_MS })
  if (cut > 0) log.warn({ cut }, 'requests were cut off at the deadline')
}

async function locateDatabase(config: Config, log: Logger, closers: Closers): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl
  const embedded = await acquireEmbeddedPostgres({
    dataDir: config.dataDir,
    log: (message) => log.info(message),
  })
  closers.push('embedded PostgreSQL', async () => {
    const outcome = await embedded.release()
    log.info(outcome === 'stopped' ? 'PostgreSQL stopped' : 'PostgreSQL goes on for another process')
  })
  return embedded.url
}

async function migrateCore(databaseUrl: string, log: Logger): Promise<void> {
  await ensureDatabase(databaseUrl)
  const migrations = await readMigrations(MIGRATIONS.core)
  const options = { url: databaseUrl, applicationName: 'tenantry migrations', timeouts: MAINTENANCE_TIMEOUTS }
  const { changed } = await withConnection(options, (connection) => migrateUp(connection, migrations))
  for (const { version, name } of changed) log.info({ version, name }, 'core migration applied')
}
