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
export { recordAudit, recordAuditLast, rowOf } from './record.ts'
export { createRepeats, type Repeats } from './repeats.ts'
export { auditLog } from './tables.ts'
