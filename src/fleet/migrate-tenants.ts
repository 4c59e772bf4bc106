import { type MigrationSet, migrateDown, migrateUp, migrationStatus } from '../migrations/index.ts'
import type { Connection, Id } from '../platform/index.ts'
import { type CoreDb, listTenants, recordSchema, type Tenancy, type TenantRecord } from '../tenancy/index.ts'

export interface FleetOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly migrations: MigrationSet
}

/** What to do to every chosen tenant. */
export type FleetAction =
  | { readonly direction: 'up'; readonly to?: string }
  | { readonly direction: 'down'; readonly to: string }
  | { readonly direction: 'down'; readonly steps: number }

/** How it went for one tenant. */
export interface TenantOutcome {
  readonly tenantId: Id
  /** Versions applied or taken back, in the order in which that happened. */
  readonly versions: readonly string[]
  readonly schemaVersion: string | null
  readonly error?: unknown
}

/** A tenant was named that does not exist. */
export class UnknownTenantError extends Error {
  override readonly name = 'UnknownTenantError'
}

/**
 * Migrates tenants one after another and yields each outcome as it comes. A tenant that fails stops none of the others.
 * Tenants that are where they should be according to the core database cost no connection.
 *
 * @param only these tenants, whatever their recorded version; all that are behind when absent
 * @throws UnknownTenantError before anything was done
 */
export async function* migrateTenants(
  options: FleetOptions,
  action: FleetAction,
  only?: readonly Id[],
): AsyncGenerator<TenantOutcome> {
  for (const tenant of await chooseTenants(options, action, only))
    yield await migrateTenant(options, action, tenant)
}

async function chooseTenants(
  { core, migrations }: FleetOptions,
  action: FleetAction,
  only?: readonly Id[],
): Promise<readonly TenantRecord[]> {
  const known = await listTenants(core)
  if (only) {
    return only.map((id) => {
      const tenant = known.find((candidate) => candidate.id === id)
      if (!tenant) throw new UnknownTenantError(`There is no tenant ${id}.`)
      return tenant
    })
  }
  const finished = known.filter(isFinished)
  if (action.direction === 'down') return finished
  return finished.filter((tenant) => isBehind(tenant, migrations, action.to))
}

async function migrateTenant(
  options: FleetOptions,
  action: FleetAction,
  tenant: TenantRecord,
): Promise<TenantOutcome> {
  const { tenancy } = options
  let schemaVersion = tenant.schemaVersion
  const run = async (connection: Connection): Promise<readonly string[]> => {
    try {
      const versions = await migrateOne(connection, options.migrations, action)
      schemaVersion = await recordOutcome(options, tenant.id, connection)
      return versions
    } catch (error) {
      // The files before the one that failed are applied. Where that cannot be found out, the failure is what counts.
      schemaVersion = await recordOutcome(options, tenant.id, connection).catch(() => schemaVersion)
      throw error
    }
  }
  try {
    const versions = await tenancy.maintain(tenant, run)
    return { tenantId: tenant.id, versions, schemaVersion }
  } catch (error) {
    return { tenantId: tenant.id, versions: [], schemaVersion, error }
  }
}

/** Writes into the core database what a tenant's database holds now. */
async function recordOutcome(
  { core, tenancy, migrations }: FleetOptions,
  tenantId: Id,
  connection: Connection,
): Promise<string | null> {
  const status = await migrationStatus(connection, migrations)
  const schemaVersion = status.current ?? null
  const migrationsApplied = status.migrations.filter(
    ({ state }) => state === 'applied' || state === 'checksum-changed',
  ).length
  await recordSchema(core, tenantId, { schemaVersion, migrationsApplied })
  tenancy.invalidate(tenantId)
  return schemaVersion
}

async function migrateOne(
  connection: Connection,
  migrations: MigrationSet,
  action: FleetAction,
): Promise<readonly string[]> {
  const { changed } =
    action.direction === 'up'
      ? await migrateUp(connection, migrations, action)
      : await migrateDown(connection, migrations, action)
  return changed.map((migration) => migration.version)
}

/** Whether a tenant has a database. One that is still being made gets the newest schema anyway. */
export function isFinished({ status }: TenantRecord): boolean {
  return status === 'active' || status === 'suspended'
}

/**
 * Whether a tenant lacks a file, as far as the core database knows: its newest version is older than `to`, or it holds
 * fewer files up to that version than there are, because one came late or broke off.
 */
export function isBehind(
  { schemaVersion, migrationsApplied }: TenantRecord,
  { files, latest }: MigrationSet,
  to = latest,
): boolean {
  const current = schemaVersion ?? ''
  const expected = files.filter(({ version }) => version <= current).length
  return current < (to ?? '') || migrationsApplied < expected
}
