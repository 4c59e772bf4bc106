import { type AuditEntry, auditCatalogue } from '../audit/index.ts'
import type { Id } from '../platform/index.ts'

/** What this feature records, in the organization's database. */
export const memberAudit = auditCatalogue({
  'member.role_changed': { from: 'word', to: 'word' },
  'member.deactivated': {},
  'member.reactivated': {},
  'member.removed': {},
  'invitation.created': { role: 'word' },
  'invitation.resent': {},
  'invitation.revoked': {},
  'invitation.accepted': { role: 'word' },
  'organization.transferred': {},
})

type Plain = 'member.deactivated' | 'member.reactivated' | 'member.removed' | 'organization.transferred'

/** What one member did to another. */
export function byMember(action: Plain, actor: Id, target: Id): AuditEntry {
  return memberAudit(action, { ...by(actor), target: { kind: 'user', id: target } })
}

/** What one member did to an invitation. */
export function byInviter(
  action: 'invitation.resent' | 'invitation.revoked',
  actor: Id,
  invitation: Id,
): AuditEntry {
  return memberAudit(action, { ...by(actor), target: { kind: 'invitation', id: invitation } })
}

/** Who did it: a user of the organization. */
export function by(actor: Id) {
  return { actor: { kind: 'user', id: actor } } as const
}
