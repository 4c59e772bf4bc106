import { auditCatalogue } from '../audit/index.ts'
import type { Id } from '../platform/index.ts'

/** What this feature records, in the organization's database. */
export const ssoAudit = auditCatalogue({
  'sso.connection_changed': { fields: 'words', enabled: 'flag' },
  'sso.connection_removed': {},
  'sso.domain_claimed': {},
  'sso.domain_verified': {},
  'sso.domain_removed': {},
  /** `at`: in a sign-in, or by somebody who was signed in. */
  'sso.identity_linked': { at: 'word' },
  'sso.member_joined': { role: 'word' },
  /** The first of a minute, and then the 10th, the 100th and so on, counted by each process. */
  'sso.sign_in_failed': { attempts: 'number', reason: 'word' },
})

/** Who did it: a user of the organization. */
export function by(actor: Id) {
  return { actor: { kind: 'user', id: actor } } as const
}
