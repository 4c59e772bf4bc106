import type { Id } from '../platform/index.ts'
import type { TenantRole } from '../users/index.ts'

interface MemberEvent {
  readonly userId: Id
  /** The member who did it, or in whose name a key did. */
  readonly by: Id
}

interface InvitationEvent {
  readonly invitationId: Id
  /** The member who did it. */
  readonly by: Id
}

/** What this feature tells of. */
export interface MemberEvents {
  'member.role_changed': MemberEvent & { readonly from: TenantRole; readonly to: TenantRole }
  'member.deactivated': MemberEvent
  'member.reactivated': MemberEvent
  /** Also of those who left by themselves. */
  'member.removed': MemberEvent
  'invitation.created': InvitationEvent & { readonly role: TenantRole }
  /** Asked for: whether a letter goes is not known yet. */
  'invitation.resent': InvitationEvent
  'invitation.revoked': InvitationEvent
  /** Somebody joined: `userId` is the new member. */
  'invitation.accepted': { readonly invitationId: Id; readonly userId: Id; readonly role: TenantRole }
  'organization.transferred': { readonly from: Id; readonly to: Id }
}
