import type { Id } from '../../platform/index.ts'
import type { CoreDb, TenantDb, TenantTx } from '../../tenancy/index.ts'
import type { Origin } from '../sessions/origin.ts'
import type { OpenSession, Sessions } from '../sessions/sessions.ts'
import { findCoreSession, insertExchange, isCoreSessionLive } from './store.ts'

/** Writes a session that ends with a core session, in the caller's transaction. */
export async function openExchanged(
  tx: TenantTx,
  sessions: Sessions,
  userId: Id,
  coreSessionId: Id,
  origin: Origin,
): Promise<OpenSession> {
  const session = await sessions.open(tx, userId, origin)
  await insertExchange(tx, session.sessionId, coreSessionId)
  return session
}

/** Whether what a tenant session was exchanged from goes on; one that began with a password stands for itself. */
export async function mayExchangedGoOn(core: CoreDb, tenant: TenantDb, sessionId: Id): Promise<boolean> {
  const coreSessionId = await findCoreSession(tenant, sessionId)
  return coreSessionId === undefined || (await isCoreSessionLive(core, coreSessionId))
}
