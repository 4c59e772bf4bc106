import type { TableRename } from './decisions.ts'
import type { RenameStatement } from './renames.ts'
import { missingFrom, type Snapshot, type Table, tableSql } from './snapshot.ts'

/** Longest name that PostgreSQL keeps, in bytes; the platform's names are ASCII. */
const NAME_BYTES = 63

/**
 * Finds constraints, indexes and sequences that differ in nothing but their name, as they do after every
 * rename of a table or column that they are named after. They are renamed; drizzle-kit would drop them and
 * build them again, which locks the table for as long as that takes.
 *
 * @param model the last model with tables and columns renamed; takes over the new names
 */
export function takeOverNames(
  model: Snapshot,
  after: Snapshot,
  tables: readonly TableRename[],
): RenameStatement[] {
  const statements = tables.flatMap(({ schema, from, to }) => {
    const table = Object.values(model.tables).find((one) => one.schema === schema && one.name === to)
    return table ? renamePrimaryKey(table, from) : []
  })
  for (const [key, table] of Object.entries(model.tables)) {
    const target = after.tables[key]
    if (!target) continue
    const on = tableSql(table)
    const constraint = (from: string, to: string): string =>
      `ALTER TABLE ${on} RENAME CONSTRAINT "${from}" TO "${to}";`
    const schema = table.schema === '' ? '' : `"${table.schema}".`
    const relation = (kind: string) => (from: string, to: string) =>
      `ALTER ${kind} ${schema}"${from}" RENAME TO "${to}";`
    statements.push(
      ...renameEqual(table.compositePrimaryKeys, target.compositePrimaryKeys, constraint),
      ...renameEqual(table.uniqueConstraints, target.uniqueConstraints, constraint),
      ...renameEqual(table.checkConstraints, target.checkConstraints, constraint),
      ...renameEqual(table.foreignKeys, target.foreignKeys, constraint),
      ...renameEqual(table.indexes, target.indexes, relation('INDEX')),
      ...renameSequences(table, target, relation('SEQUENCE')),
    )
  }
  return statements
}

type Rename = (from: string, to: string) => string

function renameEqual<Item extends { name: string }>(
  before: Record<string, Item>,
  after: Readonly<Record<string, Item>>,
  rename: Rename,
): RenameStatement[] {
  const statements: RenameStatement[] = []
  const added = new Map(missingFrom(after, before))
  for (const [key, item] of missingFrom(before, after)) {
    const match = [...added].find(([, other]) => isSameButName(item, other))
    if (!match) continue
    const [newKey, { name }] = match
    added.delete(newKey)
    statements.push({ up: rename(item.name, name), down: rename(name, item.name) })
    delete before[key]
    before[newKey] = { ...item, name }
  }
  return statements
}

function isSameButName<Item extends { name: string }>(one: Item, other: Item): boolean {
  const withoutName = (item: Item): string => JSON.stringify(Object.entries({ ...item, name: '' }).sort())
  return withoutName(one) === withoutName(other)
}

function renameSequences(table: Table, target: Table, rename: Rename): RenameStatement[] {
  return Object.values(table.columns).flatMap(({ name, identity }) => {
    const wanted = target.columns[name]?.identity?.name
    if (!identity || wanted === undefined || wanted === identity.name) return []
    const statement = { up: rename(identity.name, wanted), down: rename(wanted, identity.name) }
    identity.name = wanted
    return [statement]
  })
}

/**
 * The key of one column has no name in the model: PostgreSQL made it from the table's, and drizzle-kit relies
 * on it.
 */
function renamePrimaryKey(table: Table, from: string): RenameStatement[] {
  if (!Object.values(table.columns).some(({ primaryKey }) => primaryKey)) return []
  const rename = (old: string, name: string): string =>
    `ALTER TABLE ${tableSql(table)} RENAME CONSTRAINT "${primaryKeyName(old)}" TO "${primaryKeyName(name)}";`
  return [{ up: rename(from, table.name), down: rename(table.name, from) }]
}

/** What PostgreSQL calls the primary key of a table when it is not told. */
export function primaryKeyName(table: string): string {
  return `${table.slice(0, NAME_BYTES - '_pkey'.length)}_pkey`
}
