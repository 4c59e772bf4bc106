import type { SQL } from 'drizzle-orm'
import { coarseNetworkOf } from '../http/index.ts'
import { currentClientAddress, currentContext, type Transaction } from '../platform/index.ts'
import type { Actor, AuditEntry } from './catalogue.ts'
import { nextEntryId } from './entry-id.ts'
import {
  type AnyExecutor,
  insertEntry,
  insertEntryAlong,
  insertEntryFrom,
  type NewAuditRow,
} from './store.ts'

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
  return insertEntryAlong(db, rowOf(entry))
}

/**
 * The same as a part of a statement in SQL: `WITH made AS (INSERT … RETURNING id), audit AS (${auditOf('made', entry)}) …`.
 * Where `source` gives no row, nothing is recorded.
 */
export function auditOf(source: string, entry: AuditEntry): SQL {
  return insertEntryFrom(source, rowOf(entry))
}

/** Records what changed nothing, such as an attempt that failed, and so has no transaction to belong to. */
export async function recordAttempt(db: AnyExecutor, entry: AuditEntry): Promise<void> {
  await insertEntry(db, rowOf(entry))
}

/** An entry as it is stored: with an id, and where it came from. */
export function rowOf({ action, actor, target, outcome = 'success', details = {} }: AuditEntry): NewAuditRow {
  const { kind, id, actedBy } = whoActs(actor)
  return {
    id: nextEntryId(),
    action,
    actorKind: kind,
    actorId: id ?? null,
    actedBy: actedBy ?? null,
    targetKind: target?.kind ?? null,
    targetId: target?.id ?? null,
    outcome,
    network: coarseNetworkOf(currentClientAddress() ?? '') ?? null,
    requestId: currentContext().request_id ?? null,
    details,
  }
}

/** What a machine does, its key did, and not the person in whose name the key acts: services need not know of keys. */
function whoActs(actor: Actor): Actor {
  const { user_id, api_key_id } = currentContext()
  const isKey = api_key_id !== undefined && actor.kind === 'user' && actor.id === user_id
  return isKey ? { kind: 'api_key', id: api_key_id } : actor
}
