import { labelOf, SqlReader } from '../sql-reader.ts'
import { tokensOf } from '../sql-tokens.ts'
import { readAlterTable } from './alter-table.ts'
import type { Change } from './change.ts'
import { readCreate, readDrop } from './objects.ts'
import { readWrites } from './writes.ts'

/**
 * Tells what a statement does, as far as that matters to those who use the database meanwhile or want their data back.
 * What it does not know, it leaves out: PostgreSQL judges the syntax, not this.
 *
 * @param sql one statement
 */
export function changesOf(sql: string): Change[] {
  const tokens = [...tokensOf(sql)]
  const reader = new SqlReader(tokens)
  const at = reader.position
  if (reader.take('alter')) return readAlter(reader, at)
  if (reader.take('create')) return readCreate(reader, at)
  if (reader.take('drop')) return readDrop(reader, at)
  if (CHANGES_ROWS.has(reader.peek())) return readWrites(tokens)
  return readOther(reader, at)
}

const CHANGES_ROWS = new Set([
  ...['update', 'delete', 'insert', 'merge', 'with', 'explain', 'prepare', 'copy', '('],
])

function readAlter(reader: SqlReader, at: number): Change[] {
  if (reader.take('table')) return readAlterTable(reader)
  if (reader.take('system')) return [{ kind: 'alone', at, what: 'ALTER SYSTEM' }]
  if (!reader.take('type')) return []
  const name = reader.name()
  return reader.list().flatMap((action) => {
    const start = action.position
    if (!name || !action.take('drop', 'attribute')) return []
    action.take('if', 'exists')
    const attribute = action.part() ?? ''
    return [{ kind: 'drop-attribute', at: start, type: labelOf(name), attribute }]
  })
}

function readOther(reader: SqlReader, at: number): Change[] {
  if (reader.take('truncate')) {
    reader.take('table')
    return reader.names().map((name) => ({ kind: 'truncate', at, table: labelOf(name) }))
  }
  if (reader.take('lock')) {
    reader.take('table')
    return reader.names().map((name) => ({ kind: 'lock', at, table: labelOf(name) }))
  }
  if (reader.take('do')) return [{ kind: 'hidden', at, what: 'a DO block' }]
  if (reader.take('call'))
    return [{ kind: 'hidden', at, what: `a call of ${nameAt(reader) ?? 'a procedure'}` }]
  if (['set', 'reset', 'rollback', 'discard', 'execute'].includes(reader.peek()))
    return [{ kind: 'context', at }]
  return readMaintenance(reader, at)
}

function readMaintenance(reader: SqlReader, at: number): Change[] {
  if (reader.take('vacuum')) {
    const isFull = reader.take('full') || saysFull(reader.group())
    const alone: Change = { kind: 'alone', at, what: 'VACUUM' }
    if (!isFull) return [alone]
    for (const word of ['freeze', 'verbose', 'analyze']) reader.take(word)
    return [{ kind: 'rewrite-table', at, table: nameAt(reader), by: 'VACUUM FULL' }, alone]
  }
  if (reader.take('cluster')) {
    reader.take('verbose')
    reader.group()
    const table = nameAt(reader)
    const rewrite: Change = { kind: 'rewrite-table', at, table, by: 'CLUSTER' }
    return table === undefined ? [rewrite, { kind: 'alone', at, what: 'CLUSTER of all tables' }] : [rewrite]
  }
  if (reader.take('reindex')) return readReindex(reader, at)
  if (reader.take('refresh', 'materialized', 'view')) {
    const isConcurrent = reader.take('concurrently')
    return [{ kind: 'refresh', at, table: nameAt(reader) ?? '', isConcurrent }]
  }
  return []
}

function readReindex(reader: SqlReader, at: number): Change[] {
  const isConcurrent = reader.group()?.has('concurrently') === true || reader.has('concurrently')
  const isWhole = ['database', 'system'].includes(reader.peek())
  const reindex: Change = { kind: 'reindex', at, isConcurrent }
  return isWhole ? [reindex, { kind: 'alone', at, what: 'REINDEX of a whole database' }] : [reindex]
}

/** `(FULL)`, `(FULL true)`, `(VERBOSE, FULL on)`, but not `(FULL false)` */
function saysFull(options: SqlReader | undefined): boolean {
  return (options?.list() ?? []).some((option) => option.take('full') && !OFF.has(option.peek()))
}

const OFF = new Set(['false', 'off', '0'])

function nameAt(reader: SqlReader): string | undefined {
  const name = reader.name()
  return name && labelOf(name)
}
