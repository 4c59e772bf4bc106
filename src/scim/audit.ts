import { auditCatalogue } from '../audit/index.ts'
import type { Id } from '../platform/index.ts'

/**
 * What this feature records, in the organization's database. Members who are let in or out, or removed, are recorded as
 * whoever does it: `member.deactivated` and so on, with the key as the actor.
 */
export const scimAudit = auditCatalogue({
  'user.provisioned': {},
  /** Names of the attributes that changed, not their values. */
  'user.synchronized': { fields: 'words' },
  'group.created': { members: 'number' },
  'group.changed': { fields: 'words', members_added: 'number', members_removed: 'number' },
  'group.deleted': {},
})

/** Who did it: the key that the organization gave its directory. */
export function byKey(keyId: Id, kind: 'user' | 'group', id: Id) {
  return { actor: { kind: 'api_key', id: keyId }, target: { kind, id } } as const
}
