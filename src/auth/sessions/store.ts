import { and, desc, eq, gt, isNotNull, isNull, ne, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import { organizationPolicy } from '../../organizations/index.ts'
import type { Executor, Id, Transaction } from '../../platform/index.ts'
import { coreUsers, tenantUsers } from '../../users/index.ts'
import { impersonations } from '../impersonation/tables.ts'
import type { Origin } from './origin.ts'
import { type Amr, refreshTokens, sessions } from './tables.ts'

/** Sessions lie in core and tenant databases alike. */
export type AnyExecutor = Executor<'core'> | Executor<'tenant'>
export type AnyTx = Transaction<'core'> | Transaction<'tenant'>

/** How long sessions live, in seconds. */
export interface SessionLife {
  /** From the sign-in, however often it is refreshed. */
  readonly absolute: number
  /** The same for those who operate the platform. */
  readonly absoluteOfAdmins: number
  /** From the last refresh. */
  readonly idle: number
}

/** A session as its owner sees it. */
export type LiveSession = Awaited<ReturnType<typeof listLiveSessions>>[number]

const LIVE = and(isNull(sessions.revokedAt), gt(sessions.expiresAt, sql`now()`))
const SECONDS_LEFT = sql<number>`floor(extract(epoch from ${sessions.expiresAt} - now()))::integer`

/** Writes a session with its first refresh token. Gives the whole seconds that it lives unless it is refreshed. */
export async function insertSession(
  tx: AnyTx,
  session: { id: Id; userId: Id; refreshTokenHash: string; origin: Origin; amr: readonly Amr[] },
  life: SessionLife,
): Promise<number> {
  const { id, userId, refreshTokenHash, origin } = session
  const amr = [...session.amr]
  const secondFactorAt = amr.length > 1 ? sql`now()` : null
  const expiresAt = sql`now() + least(${seconds(life.idle)}, ${absoluteLife(tx, userId, life)})`
  const token = tx.orm
    .insert(refreshTokens)
    .values({ hash: refreshTokenHash, sessionId: id })
    .returning({ hash: refreshTokens.hash })
  // One statement for both, as every sign-in waits: the token's reference to the session is checked at its end.
  const [row] = await tx.orm
    .with(tx.orm.$with('token').as(token))
    .insert(sessions)
    .values({ id, userId, ...origin, amr, secondFactorAt, expiresAt })
    .returning({ secondsLeft: SECONDS_LEFT })
  return row?.secondsLeft ?? 0
}

export async function insertRefreshToken(tx: AnyTx, token: { hash: string; sessionId: Id }): Promise<void> {
  await tx.orm.insert(refreshTokens).values(token)
}

/**
 * Uses a refresh token up and gives its session; `undefined` when it was used before, never existed, or its session
 * ended. Tokens of sessions that ended are left alone, so that nobody waits for whoever deletes them.
 */
export async function consumeRefreshToken(tx: AnyTx, hash: string): Promise<Id | undefined> {
  const [row] = await tx.orm
    .update(refreshTokens)
    .set({ usedAt: sql`now()` })
    .from(sessions)
    .where(
      and(
        eq(refreshTokens.hash, hash),
        isNull(refreshTokens.usedAt),
        eq(sessions.id, refreshTokens.sessionId),
        LIVE,
      ),
    )
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
      isInGrace: sql<boolean>`${refreshTokens.usedAt} > now() - ${seconds(graceSeconds)}`,
    })
    .from(refreshTokens)
    .where(and(eq(refreshTokens.hash, hash), isNotNull(refreshTokens.usedAt)))
  return row
}

/**
 * Notes that a session is used, and moves its idle end but not its absolute one. Waits for whoever ends the session at
 * this moment, and then gives `undefined`, as for any that ended.
 */
export async function prolongSession(
  db: AnyExecutor,
  sessionId: Id,
  origin: Origin,
  life: SessionLife,
): Promise<{ userId: Id; secondsLeft: number; amr: Amr[] } | undefined> {
  const end = sql`${sessions.createdAt} + ${absoluteLife(db, sessions.userId, life)}`
  const [row] = await db.orm
    .update(sessions)
    .set({ ...origin, lastUsedAt: sql`now()`, expiresAt: sql`least(now() + ${seconds(life.idle)}, ${end})` })
    .where(isLive(sessionId))
    .returning({ userId: sessions.userId, secondsLeft: SECONDS_LEFT, amr: sessions.amr })
  return row
}

/**
 * The sessions of a user that go on: the current one, then those used last.
 *
 * @param limit most that are given
 */
export async function listLiveSessions(db: AnyExecutor, userId: Id, current: Id, limit: number) {
  const { id, createdAt, lastUsedAt, expiresAt, device, address } = sessions
  return await db.orm
    .select({ id, createdAt, lastUsedAt, expiresAt, device, address, impersonatedBy: impersonations.adminId })
    .from(sessions)
    .leftJoin(impersonations, eq(impersonations.id, id))
    .where(and(eq(sessions.userId, userId), LIVE))
    .orderBy(desc(eq(sessions.id, current)), desc(sessions.lastUsedAt), desc(sessions.id))
    .limit(limit)
}

/**
 * Ends a session and with it every token of it. Gives whose it was; `undefined` when it had ended.
 *
 * @param owner whose it must be; absent, it is ended whosever it is
 */
export async function revokeSession(db: AnyExecutor, sessionId: Id, owner?: Id): Promise<Id | undefined> {
  const [row] = await db.orm
    .update(sessions)
    .set({ revokedAt: sql`now()` })
    .where(and(isLive(sessionId), owner === undefined ? undefined : eq(sessions.userId, owner)))
    .returning({ userId: sessions.userId })
  return row?.userId
}

/**
 * Ends every session of a user, and with them every token. Gives those that it ended.
 *
 * @param except the session that goes on
 */
export async function revokeSessionsOf(db: AnyExecutor, userId: Id, except?: Id): Promise<Id[]> {
  const rows = await db.orm
    .update(sessions)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(sessions.userId, userId), LIVE, except === undefined ? undefined : ne(sessions.id, except)))
    .returning({ id: sessions.id })
  return rows.map(({ id }) => id)
}

/**
 * Deletes some of a user's sessions that are over for more than a day, with their refresh tokens, and ends of those that go
 * on all but the ones used last. Those that another sign-in is at are left to it. One statement, as every sign-in waits.
 *
 * @returns how many it ended
 */
export async function tidySessionsOf(
  tx: AnyTx,
  userId: Id,
  { forgotten, kept }: { readonly forgotten: number; readonly kept: number },
): Promise<number> {
  const { id, expiresAt, revokedAt, lastUsedAt } = sessions
  const isOf = eq(sessions.userId, userId)
  // As arrays they are read once; in a join the limit would hold for each row.
  const { rowCount } = await tx.orm.execute(
    sql`WITH forgotten AS (
      DELETE FROM ${sessions} WHERE ${id} = any(array(
        SELECT ${id} FROM ${sessions}
        WHERE ${isOf} AND least(${expiresAt}, ${revokedAt}) < now() - interval '1 day'
        LIMIT ${forgotten} FOR UPDATE SKIP LOCKED))
    ), ended AS (
      UPDATE ${sessions} SET revoked_at = now() WHERE ${id} = any(array(
        SELECT ${id} FROM ${sessions} WHERE ${id} = any(array(
          SELECT ${id} FROM ${sessions} WHERE ${and(isOf, LIVE)}
          ORDER BY ${lastUsedAt} DESC, ${id} DESC OFFSET ${kept}))
        FOR UPDATE SKIP LOCKED))
      RETURNING 1
    ) SELECT FROM ended`,
  )
  return rowCount ?? 0
}

/** Says when the user of a session last proved who it is, where that was not now; later than now is now. */
export async function setAuthenticatedAt(tx: AnyTx, sessionId: Id, at: Date): Promise<void> {
  const authenticatedAt = sql`least(now(), ${at.toISOString()}::timestamptz)`
  await tx.orm.update(sessions).set({ authenticatedAt }).where(eq(sessions.id, sessionId))
}

/**
 * Whether somebody gets into the organization through its identity provider alone. Owners always have another way, or a
 * provider that fails would lock everybody out.
 */
export async function needsSso(tenant: Executor<'tenant'>, userId: Id): Promise<boolean> {
  const rows = await tenant.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .innerJoin(organizationPolicy, eq(organizationPolicy.isSsoOnly, true))
    .where(and(eq(tenantUsers.id, userId), ne(tenantUsers.role, 'owner')))
  return rows.length > 0
}

/** Whether a session goes on: neither ended nor over. */
export function isLive(sessionId: Id | ReturnType<typeof sql.placeholder>): SQL | undefined {
  return and(eq(sessions.id, sessionId), LIVE)
}

/** Who operates the platform is asked of the database each time: an account may become one's during a session. */
function absoluteLife(db: AnyExecutor, userId: Id | SQLWrapper, life: SessionLife): SQL {
  const ordinary = seconds(life.absolute)
  if (db.scope !== 'core') return ordinary
  const isAdmin = sql`(SELECT ${coreUsers.isAdmin} FROM ${coreUsers} WHERE ${coreUsers.id} = ${userId})`
  return sql`CASE WHEN ${isAdmin} THEN ${seconds(life.absoluteOfAdmins)} ELSE ${ordinary} END`
}

function seconds(count: number): SQL {
  return sql`make_interval(secs => ${count})`
}
