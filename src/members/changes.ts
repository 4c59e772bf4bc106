import { recordAudit } from '../audit/index.ts'
import { revokeKeysOf, revokeSessionsOf } from '../auth/index.ts'
import type { Id } from '../platform/index.ts'
import type { TenantTx } from '../tenancy/index.ts'
import type { TenantUser } from '../users/index.ts'
import { byMember } from './audit.ts'
import { revokeInvitationsOf } from './invitations/store.ts'
import { deleteMember, setActive } from './store.ts'

/**
 * Lets a member in or out, with all that ends with it. Who may do so was asked before, behind the lock of members.
 *
 * @param by the member who does it, or in whose name a key does
 */
export async function changeActivity(tx: TenantTx, id: Id, isActive: boolean, by: Id): Promise<TenantUser> {
  // First: it waits for sessions that begin at this moment, so that they are ended with the others.
  const member = await setActive(tx, id, isActive)
  if (!isActive) {
    await revokeSessionsOf(tx, id)
    await revokeKeysOf(tx, id, by)
    await revokeInvitationsOf(tx, id)
  }
  await recordAudit(tx, byMember(isActive ? 'member.reactivated' : 'member.deactivated', by, id))
  return member
}

/** Takes a member out of the organization. Who may do so was asked before, behind the lock of members. */
export async function removeMember(tx: TenantTx, id: Id, by: Id): Promise<void> {
  await revokeInvitationsOf(tx, id)
  await deleteMember(tx, id)
  await recordAudit(tx, byMember('member.removed', by, id))
}
