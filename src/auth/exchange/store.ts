import { and, eq, getTableColumns } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import type { CoreExecutor, TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { type TenantUser, tenantUsers } from '../../users/index.ts'
import { isLive } from '../sessions/store.ts'
import { sessions } from '../sessions/tables.ts'
import { exchangedSessions } from './tables.ts'

const { passwordHash: _, ...TENANT_USER } = getTableColumns(tenantUsers)

/**
 * The active tenant user that belongs to a core user. Whoever deactivates it waits until the transaction ends, so that
 * the session that begins in it is ended too.
 */
export async function holdLinkedUser(tx: TenantTx, coreUserId: Id): Promise<TenantUser | undefined> {
  const [row] = await tx.orm
    .select(TENANT_USER)
    .from(tenantUsers)
    .where(and(eq(tenantUsers.coreUserId, coreUserId), tenantUsers.isActive))
    .for('share')
  return row
}

export async function insertExchange(tx: TenantTx, sessionId: Id, coreSessionId: Id): Promise<void> {
  await tx.orm.insert(exchangedSessions).values({ sessionId, coreSessionId })
}

/** The core session that a tenant session was exchanged from; `undefined` for one that began with a password. */
export async function findCoreSession(tenant: TenantExecutor, sessionId: Id): Promise<Id | undefined> {
  const [row] = await tenant.orm
    .select({ coreSessionId: exchangedSessions.coreSessionId })
    .from(exchangedSessions)
    .where(eq(exchangedSessions.sessionId, sessionId))
  return row?.coreSessionId
}

/** How a session's user proved to be who it is, and when. */
export type SessionProof = Pick<typeof sessions.$inferSelect, 'amr' | 'authenticatedAt' | 'secondFactorAt'>

/** What a live core session says of that; `undefined` once it ended. */
export async function findProof(core: CoreExecutor, sessionId: Id): Promise<SessionProof | undefined> {
  const { amr, authenticatedAt, secondFactorAt } = sessions
  const [row] = await core.orm
    .select({ amr, authenticatedAt, secondFactorAt })
    .from(sessions)
    .where(isLive(sessionId))
  return row
}

export async function adoptProof(
  tx: TenantTx,
  sessionId: Id,
  { authenticatedAt, secondFactorAt }: SessionProof,
): Promise<void> {
  await tx.orm.update(sessions).set({ authenticatedAt, secondFactorAt }).where(eq(sessions.id, sessionId))
}

export async function isCoreSessionLive(core: CoreExecutor, sessionId: Id): Promise<boolean> {
  const rows = await core.orm.select({ id: sessions.id }).from(sessions).where(isLive(sessionId))
  return rows.length > 0
}
