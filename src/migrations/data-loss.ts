import type { Change, ChangeKind, ChangeOf } from './changes/change.ts'
import { changesOf } from './changes/changes.ts'
import { mayRound } from './changes/column-type.ts'
import type { Section } from './migration.ts'
import { lineAt } from './text-position.ts'

/** One thing that running a part of a file takes away for good. */
export interface DataLoss {
  /** The statement that does it, as written. */
  readonly statement: string
  /** The line of the file, from 1, on which it does so. */
  readonly line: number
  /** A phrase for "This loses …": `table notes`, `column users.phone`. */
  readonly what: string
}

/**
 * Names what running a section destroys: rows, columns, values that are overwritten or squeezed into a smaller type, and
 * whatever a CASCADE takes along. Indexes, constraints, views, functions and triggers can be made again, so they are not
 * named; neither is what the section itself has made. The text alone is read, not a database: a table may be empty, and
 * what a function does that is called in a SELECT cannot be seen.
 *
 * @returns in the order of the statements; empty when nothing is lost
 */
export function dataLossOf(section: Section): readonly DataLoss[] {
  const own = new Set<string>()
  return section.statements.flatMap(({ start, end }) => {
    const statement = section.sql.slice(start, end)
    return changesOf(statement).flatMap((change) => {
      const what = isOwn(change, own) ? undefined : lossOf(change)
      noteOwn(change, own)
      if (what === undefined) return []
      return [{ statement, line: section.line + lineAt(section.sql, start + change.at) - 1, what }]
    })
  })
}

type Phrases = { readonly [Kind in ChangeKind]?: (change: ChangeOf<Kind>) => string | undefined }

const PHRASES: Phrases = {
  drop: lossOfDrop,
  'drop-column': ({ table, column }) => `column ${table}.${column}`,
  'drop-attribute': ({ type, attribute }) => `attribute ${type}.${attribute}`,
  'alter-type': ({ table, column, type, using }) =>
    using !== undefined || mayRound(type) ? `values of ${table}.${column} as they were` : undefined,
  truncate: ({ table }) => `all rows of ${table}`,
  write: ({ verb, table, columns, isBounded }) => {
    if (verb === 'delete') return `${isBounded ? 'rows' : 'all rows'} of ${table}`
    const overwritten = columns.map((column) => `${table}.${column}`)
    return `overwritten values of ${overwritten.length > 0 ? overwritten.join(' and ') : table}`
  },
  hidden: ({ what }) => `may destroy data: ${what}`,
}

function lossOf(change: Change): string | undefined {
  // The table has, under each kind, what takes changes of that kind; TypeScript cannot follow that through a lookup.
  const phrase = PHRASES[change.kind] as ((one: Change) => string | undefined) | undefined
  return phrase?.(change)
}

const HOLDING_DATA = new Set(['table', 'schema', 'sequence', 'database'])
/** What depends on these holds no rows. */
const HOLDING_NOTHING = new Set(['trigger', 'event trigger', 'policy', 'rule', 'statistics', 'publication'])

function lossOfDrop({ object, name, isCascading }: ChangeOf<'drop'>): string | undefined {
  if (object === 'owned') return `everything that ${name} owns`
  const holdsData = HOLDING_DATA.has(object)
  if (!isCascading) return holdsData ? `${object} ${name}` : undefined
  if (HOLDING_NOTHING.has(object)) return undefined
  return `${object} ${name} and what depends on it`
}

/** Says whether a change touches nothing but what the section has made, which nobody can miss. */
function isOwn(change: Change, own: ReadonlySet<string>): boolean {
  if (change.kind === 'drop') return change.object === 'table' && !change.isCascading && own.has(change.name)
  if (!('table' in change) || change.table === undefined) return false
  const { table } = change
  const columns = columnsOf(change)
  return own.has(table) || (columns.length > 0 && columns.every((column) => own.has(`${table}.${column}`)))
}

function columnsOf(change: Change): readonly string[] {
  if (change.kind === 'write') return change.columns
  return change.kind === 'drop-column' || change.kind === 'alter-type' ? [change.column] : []
}

/** A temporary table hides another one of its name, so it never counts as the section's own. */
function noteOwn(change: Change, own: Set<string>): void {
  if (change.kind === 'create-table' && !change.mayExist && !change.isTemporary) own.add(change.table)
  if (change.kind === 'add-column' && !change.mayExist) own.add(`${change.table}.${change.column.name}`)
  if (change.kind === 'drop' && change.object === 'table') own.delete(change.name)
  // From here on a name may mean something else.
  else if (FORGETTING.has(change.kind)) own.clear()
}

const FORGETTING = new Set<ChangeKind>(['rename-table', 'rename-column', 'context', 'hidden', 'drop'])
