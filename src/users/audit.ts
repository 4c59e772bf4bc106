import { auditCatalogue } from '../audit/index.ts'

/** What this feature records, in the core database. */
export const userAudit = auditCatalogue({ 'admin.created': {} })
