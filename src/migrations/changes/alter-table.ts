import { labelOf, type Name, type SqlReader } from '../sql-reader.ts'
import type { Change, ConstraintType } from './change.ts'
import { readColumnDefinition } from './column-definition.ts'
import { readColumnType } from './column-type.ts'

/** What ALTER TABLE does, action by action; `reader` stands behind these two words. */
export function readAlterTable(reader: SqlReader): Change[] {
  reader.take('if', 'exists')
  reader.take('only')
  const name = reader.name()
  reader.take('*')
  if (!name) return []
  return reader.list().flatMap((action) => readAction(action, name))
}

function readAction(reader: SqlReader, name: Name): Change[] {
  const at = reader.position
  const table = labelOf(name)
  if (reader.take('add')) return added(reader, table, at)
  if (reader.take('drop')) return dropped(reader, table, at)
  if (reader.take('rename')) return renamed(reader, name, at)
  if (reader.take('alter')) return reader.take('constraint') ? [] : altered(reader, table, at)
  if (reader.take('validate', 'constraint')) {
    return [{ kind: 'validate-constraint', at, table, name: reader.part() ?? '' }]
  }
  if (reader.take('set', 'schema')) {
    const to = labelOf({ schema: reader.part(), name: name.name })
    return [{ kind: 'rename-table', at, table, to }]
  }
  const rewriting = REWRITING.find((words) => reader.take('set', ...words))
  if (rewriting) return [{ kind: 'rewrite-table', at, table, by: `SET ${rewriting.join(' ').toUpperCase()}` }]
  if (reader.take('detach', 'partition') && reader.has('concurrently')) {
    return [{ kind: 'alone', at, what: 'DETACH PARTITION CONCURRENTLY' }]
  }
  return []
}

const REWRITING = [['logged'], ['unlogged'], ['access', 'method'], ['tablespace']]

function added(reader: SqlReader, table: string, at: number): Change[] {
  if (beginsConstraint(reader)) return [addedConstraint(reader, table, at)]
  reader.take('column')
  const mayExist = reader.take('if', 'not', 'exists')
  const column = readColumnDefinition(reader)
  return column ? [{ kind: 'add-column', at, table, column, mayExist }] : []
}

const CONSTRAINT_TYPES: readonly ConstraintType[] = [
  ...(['check', 'unique', 'primary key', 'foreign key', 'exclude', 'not null'] as const),
]

/** All but `exclude` are reserved words, so no column is called like them without quotes. */
function beginsConstraint(reader: SqlReader): boolean {
  const word = reader.peek()
  if (word === 'exclude') return ['using', '('].includes(reader.peek(1))
  return word === 'constraint' || CONSTRAINT_TYPES.some((type) => type.split(' ')[0] === word)
}

function addedConstraint(reader: SqlReader, table: string, at: number): Change {
  const name = reader.take('constraint') ? reader.part() : undefined
  const type = CONSTRAINT_TYPES.find((one) => reader.take(...one.split(' '))) ?? 'check'
  const usesIndex = reader.has('using', 'index') && !reader.has('using', 'index', 'tablespace')
  const checksRows = !reader.has('not', 'valid') && !reader.has('not', 'enforced')
  const notNullColumn = type === 'not null' ? reader.part() : type === 'check' ? notNullIn(reader) : undefined
  return { kind: 'add-constraint', at, table, type, name, checksRows, usesIndex, notNullColumn }
}

/** The column of `(column IS NOT NULL)`, in however many parentheses. */
function notNullIn(reader: SqlReader): string | undefined {
  let inner = reader.group()
  while (inner?.peek() === '(') inner = inner.group()
  const column = inner?.name()?.name
  return inner?.take('is', 'not', 'null') && inner.isAtEnd ? column : undefined
}

function dropped(reader: SqlReader, table: string, at: number): Change[] {
  const isConstraint = reader.take('constraint')
  if (!isConstraint) reader.take('column')
  reader.take('if', 'exists')
  const name = reader.part()
  if (name === undefined) return []
  return [
    isConstraint
      ? { kind: 'drop-constraint', at, table, name }
      : { kind: 'drop-column', at, table, column: name },
  ]
}

function renamed(reader: SqlReader, { schema, name }: Name, at: number): Change[] {
  const table = labelOf({ schema, name })
  if (reader.take('constraint')) return []
  if (reader.take('to')) {
    return [{ kind: 'rename-table', at, table, to: labelOf({ schema, name: reader.part() ?? '' }) }]
  }
  reader.take('column')
  const column = reader.part()
  if (column === undefined || !reader.take('to')) return []
  return [{ kind: 'rename-column', at, table, column, to: reader.part() ?? '' }]
}

const BEHIND_TYPE = new Set(['collate', 'using'])

function altered(reader: SqlReader, table: string, at: number): Change[] {
  reader.take('column')
  const column = reader.part()
  if (column === undefined) return []
  if (reader.take('set', 'not', 'null')) return [{ kind: 'set-not-null', at, table, column }]
  if (reader.take('set', 'expression')) return [{ kind: 'rewrite-table', at, table, by: 'SET EXPRESSION' }]
  if (reader.take('add', 'generated')) return []
  if (!reader.take('set', 'data', 'type') && !reader.take('type')) return []
  const type = readColumnType(reader.until(BEHIND_TYPE))
  reader.until(USING)
  const using = reader.take('using') ? reader.rest() : undefined
  return [{ kind: 'alter-type', at, table, column, type, using }]
}

const USING = new Set(['using'])
