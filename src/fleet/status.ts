import type { MigrationSet } from '../migrations/index.ts'
import { type CoreDb, listTenants } from '../tenancy/index.ts'
import { isBehind, isFinished } from './migrate-tenants.ts'

/** Where the fleet stands, from the core database alone. */
export interface FleetStatus {
  /** Newest migration file. */
  readonly latest: string | null
  /** Tenants with a database. */
  readonly tenants: number
  /** Tenants at each version, oldest version first; `null` where nothing is applied. */
  readonly versions: readonly { readonly version: string | null; readonly tenants: number }[]
  readonly behind: number
  /** Tenants whose making has not ended; they come out at the newest version. */
  readonly unfinished: number
}

/** Counts tenants by schema version: one query, no tenant connection. */
export async function fleetStatus(core: CoreDb, migrations: MigrationSet): Promise<FleetStatus> {
  const all = await listTenants(core)
  const tenants = all.filter(isFinished)
  const counts = new Map<string | null, number>()
  for (const { schemaVersion } of tenants) counts.set(schemaVersion, (counts.get(schemaVersion) ?? 0) + 1)
  const latest = migrations.latest ?? null
  return {
    latest,
    tenants: tenants.length,
    versions: [...counts]
      .map(([version, count]) => ({ version, tenants: count }))
      .sort((one, other) => (one.version ?? '').localeCompare(other.version ?? '')),
    behind: tenants.filter((tenant) => isBehind(tenant, migrations)).length,
    unfinished: all.length - tenants.length,
  }
}
