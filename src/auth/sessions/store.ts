import { and, eq, gt, isNull, ne, type SQL, sql } from 'drizzle-orm'
import type { Executor, Id, Transaction } from '../../platform/index.ts'
import { refreshTokens, sessions } from './tables.ts'

/** Sessions lie in core and tenant databases alike. */
type AnyExecutor = Executor<'core'> | Executor<'tenant'>
export type AnyTx = Transaction<'core'> | Transaction<'tenant'>

export async function insertSession(
  tx: AnyTx,
  session: { id: Id; userId: Id; lifeSeconds: number; refreshTokenHash: string },
): Promise<void> {
  const { id, userId, lifeSeconds, refreshTokenHash } = session
  await tx.orm
    .insert(sessions)
    .values({ id, userId, expiresAt: sql`now() + make_interval(secs => ${lifeSeconds})` })
  await insertRefreshToken(tx, { hash: refreshTokenHash, sessionId: id })
}

export async function insertRefreshToken(tx: AnyTx, token: { hash: string; sessionId: Id }): Promise<void> {
  await tx.orm.insert(refreshTokens).values(token)
}

/** Uses a refresh token up and gives its session; `undefined` when it was used before or never existed. */
export async function consumeRefreshToken(tx: AnyTx, hash: string): Promise<Id | undefined> {
  const [row] = await tx.orm
    .update(refreshTokens)
    .set({ usedAt: sql`now()` })
    .where(and(eq(refreshTokens.hash, hash), isNull(refreshTokens.usedAt)))
    .returning({ sessionId: refreshTokens.sessionId })
  return row?.sessionId
}

/** Finds a refresh token that was used, and says whether that was less than `graceSeconds` ago. */
export async function findUsedRefreshToken(
  tx: AnyTx,
  hash: string,
  graceSeconds: number,
): Promise<{ sessionId: Id; isInGrace: boolean } | undefined> {
  const [row] = await tx.orm
    .select({
      sessionId: refreshTokens.sessionId,
      isInGrace: sql<boolean>`${refreshTokens.usedAt} > now() - make_interval(secs => ${graceSeconds})`,
    })
    .from(refreshTokens)
    .where(eq(refreshTokens.hash, hash))
  return row
}

/** Whose session this is; `undefined` once it ended. */
export async function findSessionUser(db: AnyExecutor, sessionId: Id): Promise<Id | undefined> {
  const [row] = await db.orm.select({ userId: sessions.userId }).from(sessions).where(isLive(sessionId))
  return row?.userId
}

/** Ends a session and with it every token of it. */
export async function revokeSession(db: AnyExecutor, sessionId: Id): Promise<void> {
  await db.orm
    .update(sessions)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(sessions.id, sessionId), isNull(sessions.revokedAt)))
}

/**
 * Ends every session of a user, and with them every token.
 *
 * @param except the session that goes on
 */
export async function revokeSessionsOf(db: AnyExecutor, userId: Id, except?: Id): Promise<void> {
  await db.orm
    .update(sessions)
    .set({ revokedAt: sql`now()` })
    .where(
      and(
        eq(sessions.userId, userId),
        isNull(sessions.revokedAt),
        except === undefined ? undefined : ne(sessions.id, except),
      ),
    )
}

/** Whether a session goes on: neither ended nor over. */
export function isLive(sessionId: Id | ReturnType<typeof sql.placeholder>): SQL | undefined {
  return and(eq(sessions.id, sessionId), isNull(sessions.revokedAt), gt(sessions.expiresAt, sql`now()`))
}
