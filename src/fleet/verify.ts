import { type MigrationResult, type MigrationSet, migrateUp } from '../migrations/index.ts'
import type { Id } from '../platform/index.ts'
import { DatabaseInUseError, type Tenancy } from '../tenancy/index.ts'
import { failureOf } from './failure.ts'
import type { FleetPlan } from './plan.ts'
import type { TenantFailure } from './types.ts'

/** How files fared in a clone of one tenant's database. */
export interface Verification {
  /** Whose clone; `undefined` when every one is in use. */
  readonly tenantId: Id | undefined
  /** Files that were applied there. */
  readonly applied: MigrationResult['changed']
  readonly failure?: TenantFailure
}

/** Really applies what is pending, in a clone of the first of a plan's tenants that nobody uses, and drops the clone. */
export async function verifyOnClone(
  { tenancy, migrations }: { tenancy: Tenancy; migrations: MigrationSet },
  { tenants }: FleetPlan,
  to: string,
): Promise<Verification> {
  for (const tenant of tenants) {
    try {
      const up = tenancy.operations.inCloneOf(tenant, (clone) => migrateUp(clone, migrations, { to }))
      return { tenantId: tenant.id, applied: (await up).changed }
    } catch (error) {
      if (error instanceof DatabaseInUseError) continue
      return { tenantId: tenant.id, applied: [], failure: failureOf(error) }
    }
  }
  return { tenantId: undefined, applied: [] }
}
