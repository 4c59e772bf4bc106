import { and, eq, isNull, lt, sql } from 'drizzle-orm'
import type { Id } from '../../../platform/index.ts'
import type { AnyExecutor, AnyTx } from '../../sessions/store.ts'
import { secondFactorChallenges } from '../tables.ts'

/** Writes a challenge, and deletes those of the user that are over. */
export async function insertChallenge(
  db: AnyExecutor,
  challenge: { hash: string; userId: Id; passwordFingerprint: string },
  lifeSeconds: number,
): Promise<void> {
  const { userId, expiresAt } = secondFactorChallenges
  await db.orm
    .delete(secondFactorChallenges)
    .where(and(eq(userId, challenge.userId), lt(expiresAt, sql`now()`)))
  await db.orm
    .insert(secondFactorChallenges)
    .values({ ...challenge, expiresAt: sql`now() + make_interval(secs => ${lifeSeconds})` })
}

const OPEN = and(isNull(secondFactorChallenges.usedAt), sql`${secondFactorChallenges.expiresAt} > now()`)

/** Whose sign-in waits, and with which password it began. */
export type Challenge = Pick<typeof secondFactorChallenges.$inferSelect, 'userId' | 'passwordFingerprint'>

const { userId: challenged, passwordFingerprint } = secondFactorChallenges
const CHALLENGE = { userId: challenged, passwordFingerprint }
const isOpen = (hash: string, tries: number) =>
  and(eq(secondFactorChallenges.hash, hash), OPEN, lt(secondFactorChallenges.tries, tries))

/** A challenge that may still be answered. */
export async function findChallenge(
  db: AnyExecutor,
  hash: string,
  tries: number,
): Promise<Challenge | undefined> {
  const [row] = await db.orm.select(CHALLENGE).from(secondFactorChallenges).where(isOpen(hash, tries))
  return row
}

/** Spends one of a challenge's tries before anything is looked at; `undefined` where it is over, used, or has none left. */
export async function tryChallenge(
  db: AnyExecutor,
  hash: string,
  tries: number,
): Promise<Challenge | undefined> {
  const [row] = await db.orm
    .update(secondFactorChallenges)
    .set({ tries: sql`${secondFactorChallenges.tries} + 1` })
    .where(isOpen(hash, tries))
    .returning(CHALLENGE)
  return row
}

/** Uses a challenge up; says `false` to all but the first. */
export async function closeChallenge(tx: AnyTx, hash: string): Promise<boolean> {
  const { rowCount } = await tx.orm
    .update(secondFactorChallenges)
    .set({ usedAt: sql`now()` })
    .where(and(eq(secondFactorChallenges.hash, hash), OPEN))
  return rowCount === 1
}
