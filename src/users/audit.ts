import { auditCatalogue } from '../audit/index.ts'

/** What this feature records, in the core database. */
export const userAudit = auditCatalogue({
  'admin.created': {},
  'admin.revoked': {},
  'user.disabled': {},
  'user.enabled': {},
  /** `organization`: whose failures were forgiven; absent, the platform's. */
  'user.unlocked': { organization: 'word', forgiven: 'number' },
})
