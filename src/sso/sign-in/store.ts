import { and, eq, gt, isNull, type SQL, sql } from 'drizzle-orm'
import { type Id, violates } from '../../platform/index.ts'
import type { TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { type TenantUser, tenantUsers, userErrors } from '../../users/index.ts'
import type { Claims } from '../provider/claims.ts'
import { ssoAttempts } from '../tables.ts'

/** A sign-in under way. */
export type Attempt = typeof ssoAttempts.$inferSelect

const LIFE = sql`interval '10 minutes'`
/** Each new one takes away so many old ones, so that there are never many. */
const PURGE_LIMIT = 10
const IS_OPEN = gt(ssoAttempts.expiresAt, sql`now()`)

export async function insertAttempt(
  tenant: TenantExecutor,
  attempt: Pick<Attempt, 'stateHash' | 'attemptHash' | 'connectionRevision' | 'userId' | 'returnUrl'>,
): Promise<void> {
  const { stateHash, expiresAt } = ssoAttempts
  await tenant.orm.delete(ssoAttempts).where(
    sql`${stateHash} = any(array(SELECT ${stateHash} FROM ${ssoAttempts} WHERE ${expiresAt} <= now()
      LIMIT ${PURGE_LIMIT} FOR UPDATE SKIP LOCKED))`,
  )
  await tenant.orm.insert(ssoAttempts).values({ ...attempt, expiresAt: sql`now() + ${LIFE}` })
}

/** Takes the provider's answer to an attempt: the first one. */
export async function takeAnswer(tenant: TenantExecutor, stateHash: string): Promise<Attempt | undefined> {
  const [row] = await tenant.orm
    .update(ssoAttempts)
    .set({ answeredAt: sql`now()` })
    .where(and(eq(ssoAttempts.stateHash, stateHash), isNull(ssoAttempts.answeredAt), IS_OPEN))
    .returning()
  return row
}

/** Keeps what the provider said, for whoever has the code. */
export async function keepClaims(
  tenant: TenantExecutor,
  stateHash: string,
  codeHash: string,
  claims: Claims,
): Promise<void> {
  await tenant.orm.update(ssoAttempts).set({ codeHash, claims }).where(eq(ssoAttempts.stateHash, stateHash))
}

/**
 * Ends an attempt: of several who come at once the first one gets what the provider said, and the others wait for it and get
 * `undefined`. Nothing is left of it.
 *
 * @param userId who links an identity; null for a sign-in
 */
export async function finishAttempt(
  tx: TenantTx,
  hashes: { readonly attempt: string; readonly code: string },
  userId: Id | null,
): Promise<{ claims: Claims; connectionRevision: Id } | undefined> {
  const isOwn: SQL = userId === null ? isNull(ssoAttempts.userId) : eq(ssoAttempts.userId, userId)
  const isIt = and(eq(ssoAttempts.attemptHash, hashes.attempt), eq(ssoAttempts.codeHash, hashes.code))
  const [row] = await tx.orm
    .delete(ssoAttempts)
    .where(and(isIt, isOwn, IS_OPEN))
    .returning({ claims: ssoAttempts.claims, connectionRevision: ssoAttempts.connectionRevision })
  return row?.claims ? { ...row, claims: row.claims } : undefined
}

/**
 * Makes somebody a member whom the provider vouches for, with an address that it confirmed.
 *
 * @throws userErrors.emailTaken
 */
export async function insertJoining(
  tx: TenantTx,
  member: Pick<TenantUser, 'id' | 'email' | 'fullName' | 'role'>,
): Promise<TenantUser> {
  const [row] = await tx.orm
    .insert(tenantUsers)
    .values({ ...member, emailVerifiedAt: sql`now()` })
    .returning()
    .catch((error: unknown) => {
      throw violates(error, 'users_email_key') ? userErrors.emailTaken({ cause: error }) : error
    })
  if (!row) throw new Error('an insert returned no row')
  const { passwordHash: _, ...user } = row
  return user
}
