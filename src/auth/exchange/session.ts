import { policyErrors } from '../../organizations/index.ts'
import type { Id } from '../../platform/index.ts'
import type { CoreDb, TenantDb, TenantTx } from '../../tenancy/index.ts'
import { authErrors } from '../errors.ts'
import type { Origin } from '../sessions/origin.ts'
import { makeRoom } from '../sessions/room.ts'
import type { OpenSession, Sessions } from '../sessions/sessions.ts'
import { needsSso } from '../sessions/store.ts'
import { adoptProof, findCoreSession, findProof, insertExchange, isCoreSessionLive } from './store.ts'

/**
 * Writes a session that ends with a core session, in the caller's transaction. How and when its user proved to be who it
 * is, is what the core session says: an exchange proves nothing anew.
 */
export async function openExchanged(
  tx: TenantTx,
  { core, sessions }: { readonly core: CoreDb; readonly sessions: Sessions },
  userId: Id,
  coreSessionId: Id,
  origin: Origin,
): Promise<OpenSession> {
  if (await needsSso(tx, userId)) throw policyErrors.ssoRequired()
  const proof = await findProof(core, coreSessionId)
  if (!proof) throw authErrors.invalidToken()
  await makeRoom(tx, userId)
  const session = await sessions.open(tx, userId, origin, proof.amr)
  await adoptProof(tx, session.sessionId, proof)
  await insertExchange(tx, session.sessionId, coreSessionId)
  return session
}

/** Whether what a tenant session was exchanged from goes on; one that began with a password stands for itself. */
export async function mayExchangedGoOn(core: CoreDb, tenant: TenantDb, sessionId: Id): Promise<boolean> {
  const coreSessionId = await findCoreSession(tenant, sessionId)
  return coreSessionId === undefined || (await isCoreSessionLive(core, coreSessionId))
}
