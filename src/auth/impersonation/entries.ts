import { type Actor, type AuditEntry, auditCatalogue } from '../../audit/index.ts'
import type { ImpersonationRow } from './store.ts'
import type { Ending } from './tables.ts'

/** What is recorded of impersonation, on the platform and in the organization. The reason is in the list of them alone. */
const impersonationAudit = auditCatalogue({
  'impersonation.started': {
    impersonation: 'word',
    organization: 'word',
    user: 'word',
    read_only: 'flag',
    minutes: 'number',
  },
  'impersonation.ended': { impersonation: 'word', organization: 'word', user: 'word', by: 'word' },
})

/** @param minutes that it lasts at most */
export function started(row: ImpersonationRow, minutes: number): AuditEntry {
  return impersonationAudit('impersonation.started', {
    actor: { kind: 'admin', id: row.adminId },
    target: { kind: 'user', id: row.userId },
    details: { ...detailsOf(row), read_only: row.isReadOnly, minutes },
  })
}

export function ended(row: ImpersonationRow, actor: Actor, by: Ending): AuditEntry {
  const target = { kind: 'user', id: row.userId }
  return impersonationAudit('impersonation.ended', { actor, target, details: { ...detailsOf(row), by } })
}

function detailsOf({ id, organizationId, userId }: ImpersonationRow) {
  return { impersonation: id, organization: organizationId, user: userId }
}
