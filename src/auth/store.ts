import { and, asc, eq, getTableColumns, gt, isNull, type SQL, sql } from 'drizzle-orm'
import { type Executor, type Id, preparedFor, type Transaction } from '../platform/index.ts'
import type { CoreExecutor, CoreTx, TenantExecutor } from '../tenancy/index.ts'
import { type CoreUser, coreUsers, type TenantUser, tenantUsers } from '../users/index.ts'
import { refreshTokens, sessions, signingKeys } from './tables.ts'

/** Sessions lie in core and tenant databases alike. */
type AnyExecutor = Executor<'core'> | Executor<'tenant'>
export type AnyTx = Transaction<'core'> | Transaction<'tenant'>

export type SigningKeyRow = typeof signingKeys.$inferSelect

const { passwordHash: _core, ...CORE_USER } = getTableColumns(coreUsers)
const { passwordHash: _tenant, ...TENANT_USER } = getTableColumns(tenantUsers)

/** The core user of a live session, as long as both may be used: checked by the statement that loads the user. */
export async function findCorePrincipal(
  core: CoreExecutor,
  sessionId: Id,
  userId: Id,
): Promise<CoreUser | undefined> {
  const [user] = await corePrincipal(core).execute({ sessionId, userId })
  return user
}

/** The tenant user of a live session; like `findCorePrincipal`. */
export async function findTenantPrincipal(
  tenant: TenantExecutor,
  sessionId: Id,
  userId: Id,
): Promise<TenantUser | undefined> {
  const [user] = await tenantPrincipal(tenant).execute({ sessionId, userId })
  return user
}

const corePrincipal = preparedFor((orm) =>
  orm
    .select(CORE_USER)
    .from(sessions)
    .innerJoin(coreUsers, eq(coreUsers.id, sessions.userId))
    .where(
      and(
        isLive(sql.placeholder('sessionId')),
        eq(coreUsers.id, sql.placeholder('userId')),
        coreUsers.isActive,
      ),
    )
    .prepare('core_principal'),
)

const tenantPrincipal = preparedFor((orm) =>
  orm
    .select(TENANT_USER)
    .from(sessions)
    .innerJoin(tenantUsers, eq(tenantUsers.id, sessions.userId))
    .where(
      and(
        isLive(sql.placeholder('sessionId')),
        eq(tenantUsers.id, sql.placeholder('userId')),
        tenantUsers.isActive,
      ),
    )
    .prepare('tenant_principal'),
)

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

/** Every signing key, oldest first. */
export async function listSigningKeys(core: CoreExecutor): Promise<SigningKeyRow[]> {
  return await core.orm.select().from(signingKeys).orderBy(asc(signingKeys.createdAt), asc(signingKeys.kid))
}

/** Keeps other processes from making keys at the same time, until the transaction ends. */
export async function lockSigningKeys(tx: CoreTx): Promise<void> {
  await tx.orm.execute(sql`lock table ${signingKeys} in share row exclusive mode`)
}

export async function insertSigningKey(tx: CoreTx, key: Omit<SigningKeyRow, 'createdAt'>): Promise<void> {
  await tx.orm.insert(signingKeys).values(key)
}

function isLive(sessionId: Id | ReturnType<typeof sql.placeholder>): SQL | undefined {
  return and(eq(sessions.id, sessionId), isNull(sessions.revokedAt), gt(sessions.expiresAt, sql`now()`))
}
