import { compose, MIGRATIONS, type Platform } from '../compose.ts'
import type { Config } from '../config.ts'
import { type MigrationSet, readMigrations } from '../migrations/index.ts'
import {
  acquireEmbeddedPostgres,
  Closers,
  createDatabase,
  createPool,
  createSecretBox,
  developmentSecret,
  ensureDatabase,
  MAINTENANCE_TIMEOUTS,
  silentLogger,
  systemClock,
} from '../platform/index.ts'
import { type CoreDb, createTenancy, type Tenancy } from '../tenancy/index.ts'
import type { CommandContext, Run } from './context.ts'
import type { ExitCode } from './exit-codes.ts'

/** What commands over databases work with. */
export interface Databases {
  readonly databaseUrl: string
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly migrations: { readonly core: MigrationSet; readonly tenant: MigrationSet }
  /** Most that this process opens to tenant databases of one server. */
  readonly connections: number
}

const CORE_CONNECTIONS = 2

/**
 * Opens the databases for one command and closes them after it: the embedded PostgreSQL too, unless others use it.
 *
 * @param create whether the core database may be made; a command that only reads must not make what it was to find
 */
export async function withDatabases<T>(
  { config, output }: CommandContext,
  work: (databases: Databases) => Promise<T>,
  create: 'create' | 'expect' = 'expect',
): Promise<T> {
  const closers = new Closers()
  try {
    const databaseUrl = await locate(config, closers, output.note)
    if (create === 'create') await ensureDatabase(databaseUrl)
    const pool = createPool({
      url: databaseUrl,
      applicationName: 'tenantry command',
      timeouts: MAINTENANCE_TIMEOUTS,
      max: CORE_CONNECTIONS,
    })
    closers.push('core database', () => pool.close())
    const core = createDatabase('core', pool)
    const migrations = {
      core: await readMigrations(MIGRATIONS.core),
      tenant: await readMigrations(MIGRATIONS.tenant),
    }
    const tenancy = createTenancy({
      core,
      databaseUrl,
      box: createSecretBox(await secretOf(config)),
      tenantMigrations: migrations.tenant,
      connections: config.tenantConnections,
      // What the limits of tenants' roles are made of; this process itself opens one to each tenant.
      connectionsPerTenant: config.tenantConnectionsPerTenant,
      spares: 0,
      clock: systemClock,
      log: silentLogger,
    })
    closers.push('tenant databases', () => tenancy.close())
    return await work({ databaseUrl, core, tenancy, migrations, connections: config.tenantConnections })
  } finally {
    await closers.close()
  }
}

/** Runs a command that works with the databases as they are. */
export function onDatabases(
  run: Run,
  command: (context: CommandContext, databases: Databases) => Promise<ExitCode>,
): Promise<void> {
  return run((context) => withDatabases(context, (databases) => command(context, databases)))
}

/**
 * Composes everything that the server has, its event handlers too, for a command that does what a request does, and closes
 * it after that. The worker is not started.
 */
export async function withPlatform<T>(
  { config, output }: CommandContext,
  work: (platform: Platform) => Promise<T>,
): Promise<T> {
  const closers = new Closers()
  try {
    const databaseUrl = await locate(config, closers, output.note)
    const secret = await secretOf(config)
    const platform = await compose({
      // Limits are for users, not for operators.
      config: { ...config, organizationsPerDay: Number.POSITIVE_INFINITY },
      databaseUrl,
      secret,
      clock: systemClock,
      log: silentLogger,
    })
    closers.push('platform', platform.close)
    return await work(platform)
  } finally {
    await closers.close()
  }
}

async function secretOf({ secret, dataDir }: Config): Promise<string> {
  return secret ?? (await developmentSecret(dataDir))
}

async function locate(config: Config, closers: Closers, note: (message: string) => void): Promise<string> {
  if (config.databaseUrl !== undefined) return config.databaseUrl
  const embedded = await acquireEmbeddedPostgres({ dataDir: config.dataDir, log: note })
  closers.push('embedded PostgreSQL', async () => {
    await embedded.release()
  })
  return embedded.url
}
