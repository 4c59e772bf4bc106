import { labelOf, SqlReader } from '../sql-reader.ts'
import type { Token } from '../sql-tokens.ts'
import type { Change, ChangeOf } from './change.ts'

/**
 * Every UPDATE and DELETE of a statement, wherever in it: on its own, in WITH, in COPY (…), after EXPLAIN, and
 * what INSERT … ON CONFLICT and MERGE do.
 */
export function readWrites(tokens: readonly Token[]): Change[] {
  const changes: Change[] = []
  let target: string | undefined
  for (const [index, { text, start }] of tokens.entries()) {
    if (!BEGINNINGS.has(text.toLowerCase())) continue
    const reader = new SqlReader(tokens.slice(index))
    if (reader.take('insert', 'into') || reader.take('merge', 'into')) {
      reader.take('only')
      target = labelAt(reader)
    } else if (
      target !== undefined &&
      (reader.take('do', 'update', 'set') || reader.take('then', 'update', 'set'))
    ) {
      changes.push(update(target, reader, start, true))
    } else if (target !== undefined && reader.take('then', 'delete')) {
      changes.push({ kind: 'write', at: start, table: target, verb: 'delete', columns: [], isBounded: true })
    } else {
      changes.push(...ownWrite(reader, tokens[index - 1]?.text.toLowerCase() ?? '', start))
    }
  }
  return changes
}

const BEGINNINGS = new Set(['insert', 'merge', 'do', 'then', 'delete', 'update'])

function ownWrite(reader: SqlReader, before: string, at: number): Change[] {
  if (reader.take('delete', 'from')) {
    reader.take('only')
    const table = labelAt(reader)
    if (table === undefined) return []
    return [{ kind: 'write', at, table, verb: 'delete', columns: [], isBounded: isBounded(reader) }]
  }
  // FOR UPDATE locks rows, and ON UPDATE belongs to a foreign key.
  if (['for', 'on', 'key', 'do', 'then'].includes(before) || !reader.take('update')) return []
  reader.take('only')
  const table = labelAt(reader)
  reader.take('*')
  reader.take('as')
  if (reader.peek() !== 'set') reader.skip()
  if (table === undefined || !reader.take('set')) return []
  return [update(table, reader, at, isBounded(reader))]
}

function labelAt(reader: SqlReader): string | undefined {
  const name = reader.name()
  return name && labelOf(name)
}

const BEHIND_SET = new Set(['from', 'where', 'returning', 'when', ')'])

function update(table: string, reader: SqlReader, at: number, bounded: boolean): ChangeOf<'write'> {
  const assignments = [...reader.until(BEHIND_SET).tokens]
  while (assignments.at(-1)?.text.toLowerCase() === 'distinct' && reader.take('from')) {
    assignments.push(...reader.until(BEHIND_SET).tokens)
  }
  const columns = new SqlReader(assignments).list().flatMap(columnsOf)
  return { kind: 'write', at, table, verb: 'update', columns, isBounded: bounded }
}

/** `a = 1`, `a[1] = 1`, or `(a, b) = (1, 2)` */
function columnsOf(assignment: SqlReader): string[] {
  const group = assignment.group()
  return (group?.list() ?? [assignment]).flatMap((one) => one.part() ?? [])
}

const WHERE_OR_END = new Set(['where', ')'])

/** Says whether a WHERE follows in the same parentheses. */
function isBounded(reader: SqlReader): boolean {
  const ahead = new SqlReader(
    reader.tokens.slice(reader.tokens.findIndex(({ start }) => start >= reader.position)),
  )
  ahead.until(WHERE_OR_END)
  return ahead.peek() === 'where'
}
