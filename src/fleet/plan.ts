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
  if (only) return { tenants: pickTenants(fleet, only), upToDate: 0 }
  const chosen = fleet.filter((tenant) => needsTurn(tenant, migrations, action))
  const tenants = chosen.toSorted((one, other) => one.migrationFailures - other.migrationFailures)
  return { tenants, upToDate: fleet.length - chosen.length }
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
  { files, latest }: MigrationSet,
  to = latest,
): boolean {
  const current = schemaVersion ?? ''
  const expected = files.filter(({ version }) => version <= current).length
  return current < (to ?? '') || migrationsApplied < expected
}

/** Whether it holds files that look different today, or that are gone. */
export function isEdited(
  { schemaVersion, migrationsApplied, schemaChecksum }: SchemaColumns,
  migrations: MigrationSet,
): boolean {
  if (schemaVersion === null || schemaChecksum === null) return false
  const expected = migrations.files.filter(({ version }) => version <= schemaVersion).length
  if (migrationsApplied < expected) return false // It lacks a file, and what it would be with it nobody knows.
  return schemaChecksum !== checksumUpTo(migrations, schemaVersion)
}

function needsTurn(tenant: FleetTenant, migrations: MigrationSet, action: MigrationAction): boolean {
  if (action.direction === 'down') {
    const current = tenant.schemaVersion
    return current !== null && (!('to' in action) || current > action.to)
  }
  // Newer than this program: nothing that it could do there.
  if ((tenant.schemaVersion ?? '') > (migrations.latest ?? '')) return false
  const isSuspect = tenant.migrationFailures > 0 || isEdited(tenant, migrations)
  return isSuspect || isBehind(tenant, migrations, action.to)
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
