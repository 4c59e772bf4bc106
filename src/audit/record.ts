import { coarseNetworkOf } from '../http/index.ts'
import { currentClientAddress, currentContext, newId, type Transaction } from '../platform/index.ts'
import type { AuditEntry } from './catalogue.ts'
import { type AnyExecutor, insertEntry, type NewAuditRow } from './store.ts'
import { auditLog } from './tables.ts'

type AnyTx = Transaction<'core'> | Transaction<'tenant'>

/**
 * Records what a transaction does, in its own database: no change is without its entry, and no entry without its change.
 * Who asked from where is taken from the running request.
 */
export async function recordAudit(tx: AnyTx, entry: AuditEntry): Promise<void> {
  await insertEntry(tx, rowOf(entry))
}

/** The same as the last statement of the transaction, which takes COMMIT along: it costs no round trip of its own. */
export async function recordAuditLast(tx: AnyTx, entry: AuditEntry): Promise<void> {
  await insertEntry(tx.last, rowOf(entry))
}

/**
 * The same as a part of another statement, which must be sent with it:
 * `tx.orm.with(auditAlong(tx, entry)).insert(notes).values(…)`.
 */
export function auditAlong(db: AnyExecutor, entry: AuditEntry) {
  const inserted = db.orm.insert(auditLog).values(rowOf(entry)).returning({ id: auditLog.id })
  return db.orm.$with('audit').as(inserted)
}

/** Records what changed nothing, such as an attempt that failed, and so has no transaction to belong to. */
export async function recordAttempt(db: AnyExecutor, entry: AuditEntry): Promise<void> {
  await insertEntry(db, rowOf(entry))
}

/** An entry as it is stored: with an id, and where it came from. */
export function rowOf({ action, actor, target, outcome = 'success', details = {} }: AuditEntry): NewAuditRow {
  return {
    id: newId(),
    action,
    actorKind: actor.kind,
    actorId: actor.id ?? null,
    actedBy: actor.actedBy ?? null,
    targetKind: target?.kind ?? null,
    targetId: target?.id ?? null,
    outcome,
    network: coarseNetworkOf(currentClientAddress() ?? '') ?? null,
    requestId: currentContext().request_id ?? null,
    details,
  }
}
