import { recordAuditLast } from '../audit/index.ts'
import type { CoreDb, TenantTx } from '../tenancy/index.ts'
import type { TenantUser } from '../users/index.ts'
import { findAccount, isStillActive } from './accounts/store.ts'
import { loggedIn } from './audit.ts'
import { hasFactor } from './second-factor/store.ts'
import type { Origin } from './sessions/origin.ts'
import { makeRoom } from './sessions/room.ts'
import type { OpenSession, Sessions } from './sessions/sessions.ts'
import { setAuthenticatedAt } from './sessions/store.ts'

/** What an organization's identity provider says of how somebody signed in there. */
export interface ProviderProof {
  /** When; `undefined` where it does not say. */
  readonly at: Date | undefined
  /** Whether it saw a second factor, and is trusted with that. */
  readonly hasSecondFactor: boolean
}

const NEVER = new Date(0)

/**
 * Writes a session for somebody whom the organization's identity provider vouches for, and records it, as the last thing of
 * the caller's transaction. `undefined` for somebody who was deactivated, there or on the platform.
 *
 * A factor of the user's own is not asked for here, so dangerous actions still want it.
 */
export async function openForProvider(
  tx: TenantTx,
  { core, sessions }: { readonly core: CoreDb; readonly sessions: Sessions },
  user: Pick<TenantUser, 'id' | 'coreUserId'>,
  proof: ProviderProof,
  origin: Origin,
): Promise<OpenSession | undefined> {
  if (!(await isStillActive(tx, user.id))) return undefined
  const { coreUserId } = user
  if (coreUserId !== null && !(await findAccount(core, coreUserId))?.isActive) return undefined
  const hasOwnFactor = await (coreUserId === null ? hasFactor(tx, user.id) : hasFactor(core, coreUserId))
  await makeRoom(tx, user.id)
  const session = await sessions.open(tx, user.id, origin, proof.hasSecondFactor ? ['sso', 'mfa'] : ['sso'])
  const at = hasOwnFactor && !proof.hasSecondFactor ? NEVER : proof.at
  if (at) await setAuthenticatedAt(tx, session.sessionId, at)
  await recordAuditLast(tx, loggedIn(user.id, session.sessionId, 'sso'))
  return session
}
