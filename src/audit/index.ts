export {
  type Actor,
  type ActorKind,
  type AuditActions,
  type AuditEntry,
  auditCatalogue,
  type MakeEntry,
  type Outcome,
  type Target,
} from './catalogue.ts'
export { exportLines } from './export.ts'
export { auditAlong, auditOf, recordAudit, recordAuditLast } from './record.ts'
export { createRepeats, type Repeats } from './repeats.ts'
export { type AuditRoutesOptions, auditRoutes } from './routes.ts'
export { ExportQuery, readFilter } from './schemas.ts'
export type { AuditFilter } from './store.ts'
export { auditLog } from './tables.ts'
