import { eq, sql } from 'drizzle-orm'
import { type CoreExecutor, tenants } from '../../tenancy/index.ts'
import type { Turn } from '../turns/store.ts'

/**
 * Writes down what a visit outside of any run left a tenant at. A trigger tells every process.
 *
 * @param turn one that was not waited for says nothing against the tenant
 */
export async function recordVisit(
  core: CoreExecutor,
  tenantId: string,
  { status, schema, failure }: Turn,
): Promise<void> {
  await core.orm
    .update(tenants)
    .set({
      ...schema,
      ...(status === 'failed' && {
        migrationFailures: sql`${tenants.migrationFailures} + 1`,
        migrationFailure: failure,
      }),
      ...(status === 'done' && { migrationFailures: 0, migrationFailure: null }),
      updatedAt: sql`now()`,
    })
    .where(eq(tenants.id, tenantId))
}

/** Whether an operator took migrations back there. */
export async function isHeldBack(core: CoreExecutor, tenantId: string): Promise<boolean> {
  const [row] = await core.orm
    .select({ isHeldBack: tenants.isHeldBack })
    .from(tenants)
    .where(eq(tenants.id, tenantId))
  return row?.isHeldBack ?? false
}
