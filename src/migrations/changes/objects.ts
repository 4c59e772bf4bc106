import { labelOf, type SqlReader } from '../sql-reader.ts'
import type { Change } from './change.ts'
import { readColumnDefinition } from './column-definition.ts'

/** What CREATE makes of those things that matter here; `reader` stands behind the word. */
export function readCreate(reader: SqlReader, at: number): Change[] {
  if (reader.take('database') || reader.take('tablespace') || reader.take('subscription')) {
    return [{ kind: 'alone', at, what: 'CREATE DATABASE, TABLESPACE or SUBSCRIPTION' }]
  }
  reader.take('unique')
  if (reader.take('index')) return createdIndex(reader, at)
  const isTemporary = ['temporary', 'temp', 'local', 'global'].includes(reader.peek())
  for (const word of ['local', 'global', 'temporary', 'temp', 'unlogged']) reader.take(word)
  if (reader.take('table') || reader.take('materialized', 'view')) {
    return createdTable(reader, isTemporary, at)
  }
  return []
}

const NOT_COLUMNS = new Set(['constraint', 'check', 'unique', 'primary', 'foreign', 'like', 'not'])

function createdTable(reader: SqlReader, isTemporary: boolean, at: number): Change[] {
  const mayExist = reader.take('if', 'not', 'exists')
  const name = reader.name()
  if (!name) return []
  const items = reader.group()?.list() ?? []
  const columns = items.flatMap((item) =>
    NOT_COLUMNS.has(item.peek()) ? [] : (readColumnDefinition(item) ?? []),
  )
  return [{ kind: 'create-table', at, table: labelOf(name), columns, isTemporary, mayExist }]
}

function createdIndex(reader: SqlReader, at: number): Change[] {
  const isConcurrent = reader.take('concurrently')
  reader.take('if', 'not', 'exists')
  const index = reader.peek() === 'on' ? undefined : reader.name()?.name
  if (!reader.take('on')) return []
  const isOnly = reader.take('only')
  const table = reader.name()
  if (!table) return []
  // An index lies in the schema of its table.
  const name = index === undefined ? undefined : labelOf({ schema: table.schema, name: index })
  return [{ kind: 'create-index', at, table: labelOf(table), name, isConcurrent, isOnly }]
}

/** Kinds whose names consist of several words. */
const LONG_KINDS = [
  ...['materialized view', 'foreign table', 'foreign data wrapper', 'event trigger', 'access method'],
  ...['text search configuration', 'text search dictionary', 'text search parser', 'text search template'],
  ...['operator class', 'operator family', 'user mapping', 'large object', 'procedural language'],
]

/** What DROP takes away, one change for each name; `reader` stands behind the word. */
export function readDrop(reader: SqlReader, at: number): Change[] {
  const isCascading = reader.tokens.at(-1)?.text.toLowerCase() === 'cascade'
  if (reader.take('owned')) {
    reader.take('by')
    return [{ kind: 'drop', at, object: 'owned', name: reader.name()?.name ?? '', isCascading }]
  }
  const object = LONG_KINDS.find((words) => reader.take(...words.split(' '))) ?? reader.part() ?? ''
  const isConcurrent = reader.take('concurrently')
  reader.take('if', 'exists')
  const labels = namesIn(reader)
  if (object === 'index') return labels.map((index) => ({ kind: 'drop-index', at, index, isConcurrent }))
  const drops = labels.map((name) => ({ kind: 'drop', at, object, name, isCascading }) as const)
  const needsNoTransaction = ['database', 'tablespace', 'subscription'].includes(object)
  return needsNoTransaction ? [...drops, { kind: 'alone', at, what: `DROP ${object.toUpperCase()}` }] : drops
}

/** Routines bring their arguments along; they are no part of the label. */
function namesIn(reader: SqlReader): string[] {
  return reader.list().flatMap((item) => {
    const name = item.name()
    return name ? [labelOf(name)] : []
  })
}
