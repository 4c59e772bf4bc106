import { type SQL, sql } from 'drizzle-orm'
import type { TenantExecutor } from '../../tenancy/index.ts'
import { secondFactorPolicy } from './tables.ts'

/** Whether the organization asks for a second factor: part of statements of its database, looked up once in each. */
export const SECOND_FACTOR_IS_REQUIRED: SQL = sql`EXISTS (SELECT FROM ${secondFactorPolicy}
  WHERE ${secondFactorPolicy.isRequired})`

/** Lets an organization ask its members for a second factor, from the next request of each on, or ask no more. */
export async function requireSecondFactor(tenant: TenantExecutor, isRequired: boolean): Promise<void> {
  await tenant.orm
    .insert(secondFactorPolicy)
    .values({ isRequired })
    .onConflictDoUpdate({
      target: secondFactorPolicy.singleton,
      set: { isRequired, updatedAt: sql`now()` },
    })
}
