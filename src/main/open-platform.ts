import { compose, MIGRATIONS, type Platform } from '../compose.ts'
import type { Config } from '../config.ts'
import { migrateUp, readMigrations } from '../migrations/index.ts'
import {
  acquireEmbeddedPostgres,
  type Closers,
  developmentSecret,
  ensureDatabase,
  type Logger,
  MAINTENANCE_TIMEOUTS,
  systemClock,
  withConnection,
} from '../platform/index.ts'

/** What every process of the server starts with. */
export interface Beginning {
  readonly config: Config
  readonly log: Logger
  /** Takes what is opened, to be closed in reverse. */
  readonly closers: Closers
  /** Aborted when the process is told to stop. */
  readonly told: AbortSignal
}

/**
 * Opens all that the API and the worker need alike, one thing after another: PostgreSQL, the migrated core database, the
 * services. Gives up between two of them when the process is told to stop.
 *
 * @returns `undefined` when it was told to stop
 * @throws whatever one of them throws; what was opened before is in `closers`
 */
export async function openPlatform({ config, log, closers, told }: Beginning): Promise<Platform | undefined> {
  const databaseUrl = await locateDatabase(config, log, closers)
  const secret = config.secret ?? (await developmentSecret(config.dataDir))
  if (told.aborted) return undefined
  await migrateCore(databaseUrl, log)
  if (told.aborted) return undefined

  const platform = await compose({ config, databaseUrl, secret, clock: systemClock, log })
  closers.push('platform', platform.close)
  await platform.tenancy.prepare()
  return told.aborted ? undefined : platform
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
