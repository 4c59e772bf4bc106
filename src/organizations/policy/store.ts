import { sql } from 'drizzle-orm'
import type { TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { requireSecondFactor, SECOND_FACTOR_IS_REQUIRED } from '../second-factor/store.ts'
import { organizationPolicy } from './tables.ts'

/** Who may join an organization, and who else may act in it. */
export type Policy = Pick<
  typeof organizationPolicy.$inferSelect,
  'registration' | 'allowedEmailDomains' | 'isImpersonationAllowed' | 'isSsoOnly' | 'updatedAt'
> & { readonly isSecondFactorRequired: boolean }
export type PolicyChanges = Partial<Omit<Policy, 'updatedAt'>>

const { registration, allowedEmailDomains, isImpersonationAllowed, isSsoOnly, updatedAt } = organizationPolicy
const isSecondFactorRequired = sql<boolean>`${SECOND_FACTOR_IS_REQUIRED}`
const POLICY = {
  registration,
  allowedEmailDomains,
  isImpersonationAllowed,
  isSsoOnly,
  updatedAt,
  isSecondFactorRequired,
}

export async function findPolicy(tenant: TenantExecutor): Promise<Policy> {
  const [row] = await tenant.orm.select(POLICY).from(organizationPolicy)
  return need(row)
}

/**
 * Reads the policy for somebody who joins, or acts as a member. It stays as it is until the transaction ends: whoever changes it waits, so
 * that nobody gets in after it said no.
 */
export async function holdPolicy(tx: TenantTx): Promise<Policy> {
  const [row] = await tx.orm.select(POLICY).from(organizationPolicy).for('key share')
  return need(row)
}

/**
 * Lets one transaction at a time change what members are: the first lock that any of them takes, so that no two wait for
 * each other, and what one counts stays true. People who join are not in its way.
 */
export async function lockMembers(tx: TenantTx): Promise<void> {
  await tx.orm.select({ registration }).from(organizationPolicy).for('no key update')
}

/** Waits for those who are joining or begin to act as members, and for who changes members; nobody does until the end. */
export async function lockPolicy(tx: TenantTx): Promise<void> {
  await tx.orm.select({ registration }).from(organizationPolicy).for('update')
}

/** Whether members get in through the organization's identity provider alone. */
export async function isSsoOnlyIn(tenant: TenantExecutor): Promise<boolean> {
  const [row] = await tenant.orm.select({ isSsoOnly }).from(organizationPolicy)
  return row?.isSsoOnly ?? false
}

/** To be called behind `lockPolicy`. */
export async function updatePolicy(
  tx: TenantTx,
  { isSecondFactorRequired, ...changes }: PolicyChanges,
): Promise<Policy> {
  if (isSecondFactorRequired !== undefined) await requireSecondFactor(tx, isSecondFactorRequired)
  const [row] = await tx.orm
    .update(organizationPolicy)
    .set({ ...changes, updatedAt: sql`now()` })
    .returning(POLICY)
  return need(row)
}

function need(policy: Policy | undefined): Policy {
  if (!policy) throw new Error('the organization has no policy row, which a migration inserts')
  return policy
}
