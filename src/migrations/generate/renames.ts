import type { ColumnRename, TableRename } from './decisions.ts'
import { type ForeignKey, type Snapshot, type Table, tableKey, tableSql } from './snapshot.ts'

/** One statement that renames, and the one that takes it back. */
export interface RenameStatement {
  readonly up: string
  readonly down: string
}

/**
 * Renames a table in the model, with all that refers to it. Views are left alone: a changed one is made anew.
 */
export function renameTable(model: Snapshot, { schema, from, to }: TableRename): RenameStatement {
  const edit = (text: string): string => text.replaceAll(`"${from}".`, `"${to}".`)
  const table = tableOf(model, tableKey({ schema, name: from }))
  for (const foreign of foreignKeysTo(model, table)) foreign.tableTo = to
  delete model.tables[tableKey(table)]
  table.name = to
  for (const key of Object.values(table.foreignKeys)) key.tableFrom = to
  editExpressions(table, edit)
  model.tables[tableKey(table)] = table
  return {
    up: `ALTER TABLE ${tableSql({ schema, name: from })} RENAME TO "${to}";`,
    down: `ALTER TABLE ${tableSql(table)} RENAME TO "${from}";`,
  }
}

/** Renames a column in the model, with the indexes, keys and checks that use it. */
export function renameColumn(model: Snapshot, { table: key, from, to }: ColumnRename): RenameStatement {
  const table = tableOf(model, key)
  const rename = (name: string): string => (name === from ? to : name)
  table.columns = Object.fromEntries(
    Object.entries(table.columns).map(([name, column]) => [
      rename(name),
      { ...column, name: rename(column.name) },
    ]),
  )
  for (const list of [
    ...Object.values(table.uniqueConstraints),
    ...Object.values(table.compositePrimaryKeys),
  ]) {
    list.columns = list.columns.map(rename)
  }
  for (const { columns } of Object.values(table.indexes)) {
    for (const column of columns) if (!column.isExpression) column.expression = rename(column.expression)
  }
  for (const own of Object.values(table.foreignKeys)) own.columnsFrom = own.columnsFrom.map(rename)
  for (const foreign of foreignKeysTo(model, table)) foreign.columnsTo = foreign.columnsTo.map(rename)
  editExpressions(table, (text) => text.replaceAll(`"${from}"`, `"${to}"`))
  return {
    up: `ALTER TABLE ${tableSql(table)} RENAME COLUMN "${from}" TO "${to}";`,
    down: `ALTER TABLE ${tableSql(table)} RENAME COLUMN "${to}" TO "${from}";`,
  }
}

/** The foreign keys, of any table, that refer to this one. */
function foreignKeysTo({ tables }: Snapshot, target: Table): ForeignKey[] {
  return Object.values(tables)
    .flatMap((table) => Object.values(table.foreignKeys))
    .filter(
      ({ schemaTo = '', tableTo }) => tableKey({ schema: schemaTo, name: tableTo }) === tableKey(target),
    )
}

/**
 * PostgreSQL carries a rename into expressions by itself; the model's texts follow, or they would look
 * changed.
 */
function editExpressions(table: Table, edit: (text: string) => string): void {
  for (const index of Object.values(table.indexes)) {
    for (const column of index.columns) if (column.isExpression) column.expression = edit(column.expression)
    if (index.where !== undefined) index.where = edit(index.where)
  }
  for (const check of Object.values(table.checkConstraints)) check.value = edit(check.value)
}

function tableOf({ tables }: Snapshot, key: string): Table {
  const table = tables[key]
  if (!table) throw new Error(`the model has no table ${key}`)
  return table
}
