import { and, count, eq, gt, isNotNull, isNull, lt, or, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import type { AnyExecutor, AnyTx } from '../sessions/store.ts'
import { type Amr, sessions } from '../sessions/tables.ts'
import { STEP_UP_SECONDS } from './errors.ts'
import { type FactorKind, proofTries, recoveryCodes, secondFactors } from './tables.ts'

export interface Factor {
  readonly id: Id
  readonly sealedSecret: string
  readonly confirmedAt: Date | null
}

const { id, kind, sealedSecret, confirmedAt } = secondFactors
// An app always has a secret.
const TOTP = { id, sealedSecret: sql<string>`${sealedSecret}`, confirmedAt }
const isTotpOf = (userId: Id) => and(eq(secondFactors.userId, userId), eq(kind, 'totp'))

/** A user's authenticator app, confirmed or not. */
export async function findTotp(db: AnyExecutor, userId: Id): Promise<Factor | undefined> {
  const [row] = await db.orm.select(TOTP).from(secondFactors).where(isTotpOf(userId))
  return row
}

/** Writes an app that is not confirmed yet over another such; says `false` where one is confirmed, and stays. */
export async function upsertTotp(
  db: AnyExecutor,
  totp: { id: Id; userId: Id; sealedSecret: string },
): Promise<boolean> {
  const { rowCount } = await db.orm
    .insert(secondFactors)
    .values({ ...totp, kind: 'totp' })
    .onConflictDoUpdate({
      target: secondFactors.userId,
      targetWhere: sql`kind = 'totp'`,
      set: { id: totp.id, sealedSecret: totp.sealedSecret, createdAt: sql`now()` },
      setWhere: isNull(confirmedAt),
    })
  return rowCount === 1
}

/**
 * What is begun is confirmed as soon after the proof that it took: whoever confirms is fresh by that, so an app that a thief
 * began would be a proof that he keeps for as long as he likes.
 */
const IS_BEGUN_LATELY = gt(secondFactors.createdAt, sql`now() - make_interval(secs => ${STEP_UP_SECONDS})`)

/** Lets a factor count, as of the step of the code that showed it; says `false` where it counted, is gone or was begun long ago. */
export async function confirmFactor(tx: AnyTx, factorId: Id, step: number): Promise<boolean> {
  const { rowCount } = await tx.orm
    .update(secondFactors)
    .set({ confirmedAt: sql`now()`, lastStep: step })
    .where(and(eq(id, factorId), isNull(confirmedAt), IS_BEGUN_LATELY))
  return rowCount === 1
}

/** Accepts a code of a step, unless one of this or a later step was accepted before. */
export async function useStep(db: AnyExecutor, factorId: Id, step: number): Promise<boolean> {
  const { lastStep } = secondFactors
  const isNew = or(isNull(lastStep), lt(lastStep, step))
  const { rowCount } = await db.orm
    .update(secondFactors)
    .set({ lastStep: step })
    .where(and(eq(id, factorId), isNotNull(confirmedAt), isNew))
  return rowCount === 1
}

/** A second factor was shown, and here; one that an identity provider saw is not ours to doubt. */
const IS_OURS = and(isNotNull(sessions.secondFactorAt), sql`'mfa' <> ALL(${sessions.amr})`)

/**
 * Removes a user's app, or a passkey; says `false` where it did not count. With the last factor go all recovery codes, and
 * from every session that one was shown there. The caller holds the user.
 */
export async function deleteFactor(
  tx: AnyTx,
  userId: Id,
  which: 'totp' | { readonly passkeyId: Id },
): Promise<boolean> {
  const isPasskey = (passkeyId: Id) =>
    and(eq(id, passkeyId), eq(secondFactors.userId, userId), eq(kind, 'passkey'))
  const isIt = which === 'totp' ? isTotpOf(userId) : isPasskey(which.passkeyId)
  const { rowCount } = await tx.orm.delete(secondFactors).where(and(isIt, isNotNull(confirmedAt)))
  if (rowCount === 0) return false
  if (await hasFactor(tx, userId)) return true
  await tx.orm.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId))
  // Or sessions that saw it would be exchanged for ones that an organization lets in as if it were still there.
  await tx.orm
    .update(sessions)
    .set({ secondFactorAt: null })
    .where(and(eq(sessions.userId, userId), IS_OURS))
  return true
}

/** Replaces all recovery codes of a user; says `false` to who has no factor that they could stand in for. */
export async function replaceRecoveryCodes(
  tx: AnyTx,
  userId: Id,
  hashes: readonly string[],
): Promise<boolean> {
  // Whoever does the same at this moment waits here, or both sets would be valid.
  const isActive = and(eq(secondFactors.userId, userId), isNotNull(confirmedAt))
  const held = await tx.orm.select({ id }).from(secondFactors).where(isActive).for('update')
  if (held.length === 0) return false
  await tx.orm.delete(recoveryCodes).where(eq(recoveryCodes.userId, userId))
  await tx.orm.insert(recoveryCodes).values(hashes.map((hash) => ({ hash, userId })))
  return true
}

/** Accepts a recovery code once. */
export async function useRecoveryCode(db: AnyExecutor, userId: Id, hash: string): Promise<boolean> {
  const { usedAt } = recoveryCodes
  const { rowCount } = await db.orm
    .update(recoveryCodes)
    .set({ usedAt: sql`now()` })
    .where(and(eq(recoveryCodes.hash, hash), eq(recoveryCodes.userId, userId), isNull(usedAt)))
  return rowCount === 1
}

export interface FactorSummary {
  /** Those that count. */
  readonly factors: readonly { readonly kind: FactorKind; readonly confirmedAt: Date }[]
  readonly recoveryCodesLeft: number
}

export async function summarize(db: AnyExecutor, userId: Id): Promise<FactorSummary> {
  const rows = await db.orm
    .select({
      kind,
      confirmedAt: sql<Date>`${confirmedAt}`.mapWith(confirmedAt),
      left: sql<number>`${db.orm
        .select({ left: count() })
        .from(recoveryCodes)
        .where(and(eq(recoveryCodes.userId, userId), isNull(recoveryCodes.usedAt)))}`.mapWith(Number),
    })
    .from(secondFactors)
    .where(and(eq(secondFactors.userId, userId), isNotNull(confirmedAt)))
  return {
    factors: rows.map((row) => ({ kind: row.kind, confirmedAt: row.confirmedAt })),
    recoveryCodesLeft: rows[0]?.left ?? 0,
  }
}

/** Whether somebody has a factor that counts. */
export async function hasFactor(db: AnyExecutor, userId: Id): Promise<boolean> {
  const isActive = and(eq(secondFactors.userId, userId), isNotNull(confirmedAt))
  return (await db.orm.select({ id }).from(secondFactors).where(isActive).limit(1)).length > 0
}

const IS_OVER = sql`${proofTries.windowEndsAt} <= now()`

/** Spends one of a user's tries. Gives the seconds to wait where none is left in this window, and 0 otherwise. */
export async function spendTry(
  db: AnyExecutor,
  userId: Id,
  { tries, windowSeconds }: { tries: number; windowSeconds: number },
): Promise<number> {
  const windowEndsAt = sql`now() + make_interval(secs => ${windowSeconds})`
  const { rowCount } = await db.orm
    .insert(proofTries)
    .values({ userId, tries: 1, windowEndsAt })
    .onConflictDoUpdate({
      target: proofTries.userId,
      set: {
        tries: sql`CASE WHEN ${IS_OVER} THEN 1 ELSE ${proofTries.tries} + 1 END`,
        windowEndsAt: sql`CASE WHEN ${IS_OVER} THEN ${windowEndsAt} ELSE ${proofTries.windowEndsAt} END`,
      },
      setWhere: sql`${IS_OVER} OR ${proofTries.tries} < ${tries}`,
    })
  if (rowCount === 1) return 0
  const left = sql<number>`extract(epoch FROM ${proofTries.windowEndsAt} - now())`.mapWith(Number)
  const [row] = await db.orm.select({ left }).from(proofTries).where(eq(proofTries.userId, userId))
  return Math.max(1, Math.ceil(row?.left ?? 1))
}

/** Somebody proved to be the user: what was tried before is forgotten. */
export async function forgetTries(db: AnyExecutor, userId: Id): Promise<void> {
  await db.orm.delete(proofTries).where(eq(proofTries.userId, userId))
}

/** Notes in a session that its user just proved again who it is, and how. */
export async function markProven(db: AnyExecutor, sessionId: Id, methods: readonly Amr[]): Promise<void> {
  const { amr } = sessions
  const given = sql`unnest(${sql.param([...methods])}::text[]) WITH ORDINALITY AS given(method, place)`
  await db.orm
    .update(sessions)
    .set({
      authenticatedAt: sql`now()`,
      amr: sql`${amr} || array(SELECT method FROM ${given} WHERE method <> ALL (${amr}) ORDER BY place)`,
      ...(!methods.includes('pwd') && { secondFactorAt: sql`now()` }),
    })
    .where(eq(sessions.id, sessionId))
}

/** The user of a session has no second factor any more. */
export async function forgetSecondFactor(db: AnyExecutor, sessionId: Id): Promise<void> {
  await db.orm
    .update(sessions)
    .set({ secondFactorAt: null })
    .where(and(eq(sessions.id, sessionId), IS_OURS))
}
