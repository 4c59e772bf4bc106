import { type AuditEntry, auditCatalogue } from '../audit/index.ts'
import type { Id } from '../platform/index.ts'

/** What this feature records: in the core database, and of a birth also in the database that was born. */
export const organizationAudit = auditCatalogue({
  'organization.created': {},
  'organization.policy_changed': { fields: 'words' },
  'organization.suspended': {},
  'organization.resumed': {},
  'organization.credentials_rotated': {},
})

/** @param ownerId the owner's in the database in which it is recorded */
export function organizationCreated(id: Id, ownerId: Id): AuditEntry {
  return organizationAudit('organization.created', {
    actor: { kind: 'user', id: ownerId },
    target: { kind: 'organization', id },
  })
}
