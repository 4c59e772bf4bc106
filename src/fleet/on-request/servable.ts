import type { Config } from '../../config.ts'
import type { MigrationSet } from '../../migrations/index.ts'
import { type CoreDb, lacks } from '../../tenancy/index.ts'
import { isQuarantined } from '../plan.ts'
import { DEFAULT_SETTINGS, failuresToStop } from '../settings.ts'
import { listFleet } from '../tenants/store.ts'

/** This program cannot serve the fleet as it is. */
export class FleetBehindError extends Error {
  override readonly name = 'FleetBehindError'
}

/**
 * Asks once, before a program begins to serve, whether the fleet's schema is one that it can work with. Tenants out of its
 * window answer 503 until they are migrated, which may be some that failed, but not as many as would stop a run. As in a
 * run, those that fail every time say nothing of the others, who would all be without a server.
 *
 * @returns how many are out of the window; they are migrated when they are asked for where that is the setting, and then
 *   it is 0
 * @throws FleetBehindError
 */
export async function assertServable(
  core: CoreDb,
  migrations: MigrationSet,
  { tenantMigrations, tenantSchemaWindow }: Pick<Config, 'tenantMigrations' | 'tenantSchemaWindow'>,
): Promise<number> {
  if (tenantMigrations === 'on-request') return 0
  const fleet = await listFleet(core)
  const behind = fleet.filter((tenant) => lacks(tenant, migrations) > tenantSchemaWindow)
  const counted = behind.filter((tenant) => !isQuarantined(tenant)).length
  const others = fleet.length - (behind.length - counted)
  if (counted === 0 || counted < Math.min(others, failuresToStop(fleet.length, DEFAULT_SETTINGS)))
    return behind.length
  throw new FleetBehindError(
    `${behind.length} of ${fleet.length} tenants lack more than ${tenantSchemaWindow} of the migrations of this program, and would be answered 503. ` +
      'Run "tenantry migrate up tenants" first, or set TENANT_MIGRATIONS=on-request or a larger TENANT_SCHEMA_WINDOW.',
  )
}
