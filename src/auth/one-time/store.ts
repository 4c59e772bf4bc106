import { and, eq, gt, inArray, isNull, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import { type Account, type AnyExecutor, type AnyTx, lockAccount } from '../accounts/store.ts'
import { oneTimeTokens, type Purpose } from './tables.ts'

export interface NewToken {
  readonly userId: Id
  readonly purpose: Purpose
  readonly hash: string
  /** Canonical. */
  readonly email: string
  readonly lifeSeconds: number
}

/** A token that was just used up, and whose it is. */
export interface Redeemed {
  readonly account: Account
  /** Where it was sent to. */
  readonly email: string
}

/** Writes a token in place of the one that there was for the same use. */
export async function putToken(db: AnyExecutor, token: NewToken): Promise<void> {
  const { userId, purpose, hash, email, lifeSeconds } = token
  const expiresAt = sql`now() + make_interval(secs => ${lifeSeconds})`
  await db.orm
    .insert(oneTimeTokens)
    .values({ userId, purpose, hash, email, expiresAt })
    .onConflictDoUpdate({
      target: [oneTimeTokens.userId, oneTimeTokens.purpose],
      set: { hash, email, createdAt: sql`now()`, expiresAt, usedAt: null },
    })
}

/** Whose token this is, as long as it may be used. */
export async function findTokenUser(
  db: AnyExecutor,
  hash: string,
  purpose: Purpose,
): Promise<Id | undefined> {
  const [row] = await db.orm
    .select({ userId: oneTimeTokens.userId })
    .from(oneTimeTokens)
    .where(isUsable(hash, purpose))
  return row?.userId
}

/**
 * Uses a token up; `undefined` when it was used, is too old or never existed, or when its user is gone or disabled. The user
 * stays locked until the transaction ends, and always first: two links of one user wait for each other and never in a ring.
 */
export async function redeemToken(tx: AnyTx, hash: string, purpose: Purpose): Promise<Redeemed | undefined> {
  const userId = await findTokenUser(tx, hash, purpose)
  const account = userId === undefined ? undefined : await lockAccount(tx, userId)
  if (!account?.isActive) return undefined
  const [row] = await tx.orm
    .update(oneTimeTokens)
    .set({ usedAt: sql`now()` })
    .where(isUsable(hash, purpose))
    .returning({ email: oneTimeTokens.email })
  return row && { account, email: row.email }
}

/** Makes links that were sent worthless. */
export async function dropTokens(db: AnyExecutor, userId: Id, purposes: readonly Purpose[]): Promise<void> {
  await db.orm
    .delete(oneTimeTokens)
    .where(and(eq(oneTimeTokens.userId, userId), inArray(oneTimeTokens.purpose, [...purposes])))
}

function isUsable(hash: string, purpose: Purpose) {
  return and(
    eq(oneTimeTokens.hash, hash),
    eq(oneTimeTokens.purpose, purpose),
    isNull(oneTimeTokens.usedAt),
    gt(oneTimeTokens.expiresAt, sql`now()`),
  )
}
