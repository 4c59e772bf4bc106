import { auditCatalogue } from '../audit/index.ts'

/** What this feature records: in the core database, and of a birth also in the database that was born. */
export const organizationAudit = auditCatalogue({
  'organization.created': {},
  'organization.suspended': {},
  'organization.resumed': {},
  'organization.credentials_rotated': {},
})
