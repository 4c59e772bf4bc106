import type { Id } from '../platform/index.ts'
import type { TenantRole } from '../users/index.ts'

interface MemberEvent {
  readonly userId: Id
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
  'organization.transferred': { readonly from: Id; readonly to: Id }
}
