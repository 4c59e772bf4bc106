import { and, asc, desc, eq, gt, gte, lt, type SQL, sql } from 'drizzle-orm'
import type { Executor, Id } from '../platform/index.ts'
import { auditLog } from './tables.ts'

/** The log lies in core and tenant databases alike. */
export type AnyExecutor = Executor<'core'> | Executor<'tenant'>
export type AuditRow = typeof auditLog.$inferSelect
export type NewAuditRow = Omit<AuditRow, 'occurredAt'>

/** Which entries are wanted; those that meet all that is given. */
export interface AuditFilter {
  /** What the action begins with. */
  readonly action?: string | undefined
  readonly actor?: Id | undefined
  readonly target?: string | undefined
  /** From this moment on. */
  readonly since?: Date | undefined
  /** Before this moment. */
  readonly until?: Date | undefined
}

/** Which part of a list is wanted. */
export interface Part {
  readonly order: 'newest first' | 'oldest first'
  /** The last entry of the part before. */
  readonly after?: Id | undefined
  readonly limit: number
}

export async function insertEntry(db: AnyExecutor, row: NewAuditRow): Promise<void> {
  await db.orm.insert(auditLog).values(row)
}

/** The same as a part of another statement, which is to be sent with it. */
export function insertEntryAlong(db: AnyExecutor, row: NewAuditRow) {
  const inserted = db.orm.insert(auditLog).values(row).returning({ id: auditLog.id })
  return db.orm.$with('audit').as(inserted)
}

/** The same for each row that another part of the statement, called `source`, gives: for none, where it did nothing. */
export function insertEntryFrom(source: string, row: NewAuditRow): SQL {
  return sql`INSERT INTO audit_log (id, action, actor_kind, actor_id, acted_by, target_kind, target_id, outcome, network,
      request_id, details)
    SELECT ${row.id}::uuid, ${row.action}, ${row.actorKind}, ${row.actorId}::uuid, ${row.actedBy}::uuid, ${row.targetKind},
      ${row.targetId}, ${row.outcome}, ${row.network}, ${row.requestId}, ${JSON.stringify(row.details)}::jsonb
    FROM ${sql.identifier(source)}`
}

/** One part of the log, in the order of ids, which is that of time. */
export async function listEntries(db: AnyExecutor, filter: AuditFilter, part: Part): Promise<AuditRow[]> {
  return await selectEntries(db, filter, part)
}

/** The statement of `listEntries`, for who wants to see its plan. */
export function selectEntries(db: AnyExecutor, filter: AuditFilter, { order, after, limit }: Part) {
  const isNewestFirst = order === 'newest first'
  const { id } = auditLog
  const isBehind = after === undefined ? undefined : isNewestFirst ? lt(id, after) : gt(id, after)
  return db.orm
    .select()
    .from(auditLog)
    .where(and(isBehind, ...wanted(filter)))
    .orderBy(isNewestFirst ? desc(id) : asc(id))
    .limit(limit)
}

function wanted({ action, actor, target, since, until }: AuditFilter): (SQL | undefined)[] {
  return [
    action === undefined ? undefined : sql`starts_with(${auditLog.action}, ${action})`,
    actor === undefined ? undefined : eq(auditLog.actorId, actor),
    target === undefined ? undefined : eq(auditLog.targetId, target),
    since && and(gte(auditLog.occurredAt, since), gte(auditLog.id, idAround(since, -CLOCKS_APART_MS))),
    until && and(lt(auditLog.occurredAt, until), lt(auditLog.id, idAround(until, CLOCKS_APART_MS))),
  ]
}

/** More than the clocks of processes and databases are apart, and than a transaction takes. */
const CLOCKS_APART_MS = 86_400_000

/** The id that something of another moment would have had: ids begin with their time, so that their index finds times. */
function idAround(moment: Date, shiftMs: number): Id {
  const hex = Math.max(0, moment.getTime() + shiftMs)
    .toString(16)
    .padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
