import type { Id } from '../platform/index.ts'

interface OfUser {
  readonly userId: Id
  /** In whose name the directory's key acts. */
  readonly by: Id
}

interface OfGroup {
  readonly groupId: Id
  readonly by: Id
}

/** What this feature tells of. Members who are let in or out, or removed, are told of as `member.…`. */
export interface ScimEvents {
  'user.provisioned': OfUser
  /** With the names of the attributes that changed. */
  'user.synchronized': OfUser & { readonly fields: readonly string[] }
  'group.created': OfGroup
  'group.changed': OfGroup
  'group.deleted': OfGroup
}
