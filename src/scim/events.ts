import type { Id } from '../platform/index.ts'

interface OfUser {
  readonly userId: Id
  /** The API key of the organization's directory. */
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
