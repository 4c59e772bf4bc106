import { checksumUpTo, type MigrationSet } from '../migrations/index.ts'
import type { Id } from '../platform/index.ts'
import { UnknownTenantError } from './errors.ts'
import type { FleetTenant } from './tenants/store.ts'
import type { MigrationAction } from './types.ts'

/** The tenants of a run, in the order in which they get their turns. */
export interface FleetPlan {
  readonly tenants: readonly FleetTenant[]
  /** Those that need nothing, as far as the core database knows. */
  readonly upToDate: number
  /** Tenants that hold files which this program does not have: nothing that it could do there. */
  readonly newer: number
}

type SchemaColumns = Pick<FleetTenant, 'schemaVersion' | 'migrationsApplied' | 'schemaChecksum'>

/** After so many runs that failed in a row a tenant is expected to fail: it goes last, and stops no run. */
const QUARANTINED_AFTER = 3

/**
 * Chooses the tenants that need a turn. Those that failed before are among them, behind the others: a canary is to say
 * something of the files, not of what was broken already.
 *
 * @param only these tenants, whatever is recorded of them
 * @throws UnknownTenantError
 */
export function planFleet(
  fleet: readonly FleetTenant[],
  migrations: MigrationSet,
  action: MigrationAction,
  only?: readonly Id[],
): FleetPlan {
  if (only) return { tenants: pickTenants(fleet, only), upToDate: 0, newer: 0 }
  const chosen = fleet.filter((tenant) => needsTurn(tenant, migrations, action))
  const tenants = chosen.toSorted((one, other) => one.migrationFailures - other.migrationFailures)
  const newer = action.direction === 'up' ? fleet.filter((tenant) => isNewer(tenant, migrations)).length : 0
  return { tenants, upToDate: fleet.length - chosen.length - newer, newer }
}

/** Whether a tenant fails so regularly that a failure says nothing new. */
export function isQuarantined({ migrationFailures }: Pick<FleetTenant, 'migrationFailures'>): boolean {
  return migrationFailures >= QUARANTINED_AFTER
}

/**
 * Whether a tenant lacks a file, as far as the core database knows: its newest version is older than `to`, or it holds
 * fewer files up to that version than there are, because one came late or broke off.
 */
export function isBehind(
  { schemaVersion, migrationsApplied }: Pick<SchemaColumns, 'schemaVersion' | 'migrationsApplied'>,
  migrations: MigrationSet,
  to = migrations.latest,
): boolean {
  const current = schemaVersion ?? ''
  return current < (to ?? '') || migrationsApplied < filesUpTo(migrations, current)
}

/** Whether its newest file is newer than every one that is here. */
export function isNewer(
  { schemaVersion }: Pick<SchemaColumns, 'schemaVersion'>,
  { latest }: MigrationSet,
): boolean {
  return (schemaVersion ?? '') > (latest ?? '')
}

/**
 * Whether it holds a file that is gone: none that is here has its version, or it holds more files up to that version than
 * there are. Where another file is lacking at the same time, only its database can tell.
 */
export function isMissing(columns: Omit<SchemaColumns, 'schemaChecksum'>, migrations: MigrationSet): boolean {
  const { schemaVersion, migrationsApplied } = columns
  if (schemaVersion === null || isNewer(columns, migrations)) return false
  const isKnown = migrations.files.some(({ version }) => version === schemaVersion)
  return !isKnown || migrationsApplied > filesUpTo(migrations, schemaVersion)
}

/** Whether it holds files that look different today. */
export function isEdited(columns: SchemaColumns, migrations: MigrationSet): boolean {
  const { schemaVersion, migrationsApplied, schemaChecksum } = columns
  if (schemaVersion === null || schemaChecksum === null) return false
  // With a file too many or too few nobody knows what the checksum would have to be.
  if (isMissing(columns, migrations) || migrationsApplied !== filesUpTo(migrations, schemaVersion))
    return false
  return schemaChecksum !== checksumUpTo(migrations, schemaVersion)
}

function filesUpTo({ files }: MigrationSet, version: string): number {
  return files.filter((file) => file.version <= version).length
}

function needsTurn(tenant: FleetTenant, migrations: MigrationSet, action: MigrationAction): boolean {
  if (action.direction === 'down') {
    const current = tenant.schemaVersion
    return current !== null && (!('to' in action) || current > action.to)
  }
  if (isNewer(tenant, migrations)) return false
  const isOdd = isMissing(tenant, migrations) || isEdited(tenant, migrations)
  return isOdd || tenant.migrationFailures > 0 || isBehind(tenant, migrations, action.to)
}

/** The tenants of these ids, in their order. @throws UnknownTenantError */
export function pickTenants(fleet: readonly FleetTenant[], ids: readonly Id[]): FleetTenant[] {
  const byId = new Map(fleet.map((tenant) => [tenant.id, tenant]))
  return ids.map((id) => {
    const tenant = byId.get(id)
    if (!tenant) throw new UnknownTenantError(`There is no tenant ${id}.`)
    return tenant
  })
}
