import { type AuditEntry, auditCatalogue } from '../audit/index.ts'
import type { Id } from '../platform/index.ts'

/** What this feature records: administrators in the core database, profiles in the organization's. */
export const userAudit = auditCatalogue({
  'admin.created': {},
  /** By who acted as the user; what people do to their own profiles is not recorded. */
  'profile.changed': { fields: 'words' },
})

/** @param fields names of those that changed */
export function profileChanged(id: Id, fields: readonly string[]): AuditEntry {
  const who = { actor: { kind: 'user', id }, target: { kind: 'user', id } } as const
  return userAudit('profile.changed', { ...who, details: { fields } })
}
