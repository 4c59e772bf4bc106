import { GenerateOptionError } from './errors.ts'
import { missingFrom, type Snapshot, type Table, tableKey, tableLabel } from './snapshot.ts'

/** A table that goes by another name now; the schema stays. */
export interface TableRename {
  readonly schema: string
  readonly from: string
  readonly to: string
}

/** A column that goes by another name now. */
export interface ColumnRename {
  /** The table's key in both snapshots, after tables were renamed. */
  readonly table: string
  readonly from: string
  readonly to: string
}

/**
 * Reads an `old=new` flag as the rename of a table: `notes=memos`, `app.notes=app.memos`.
 *
 * @param before the last model with the renames so far applied
 * @returns `undefined` when no table of that name is gone
 * @throws GenerateOptionError when there is no new table to go with it
 */
export function tableRenameOf(before: Snapshot, after: Snapshot, flag: string): TableRename | undefined {
  const { from, to } = parseFlag(flag)
  const gone = missingFrom(before.tables, after.tables).map(([, table]) => table)
  const old = gone.find((table) => tableLabel(table) === from)
  if (!old) return undefined
  const added = missingFrom(after.tables, before.tables).map(([, table]) => table)
  const target = added.find(
    (table) => table.schema === old.schema && [tableLabel(table), table.name].includes(to),
  )
  if (!target)
    throw new GenerateOptionError(`--rename ${flag}: there is no new table ${to} in the same schema`)
  return { schema: old.schema, from: old.name, to: target.name }
}

/**
 * Reads an `old=new` flag as the rename of a column: `notes.title=heading`.
 *
 * @param before the last model with all tables and the columns so far renamed
 * @throws GenerateOptionError when the flag matches nothing
 */
export function columnRenameOf(
  before: Snapshot,
  after: Snapshot,
  flag: string,
  tables: readonly TableRename[],
): ColumnRename {
  const { from: path, to } = parseFlag(flag)
  const [, label, from] = /^(.+)\.([^.]+)$/.exec(path) ?? []
  const table = Object.values(before.tables).find((one) =>
    labelsOf(one, tables).some((known) => known === label),
  )
  const target = table && after.tables[tableKey(table)]
  const isGone = from !== undefined && table?.columns[from] && !target?.columns[from]
  const isNew = target?.columns[to] && !table?.columns[to]
  if (!table || !isGone || !isNew) {
    throw new GenerateOptionError(
      `--rename ${flag} matches nothing: the old name must be gone and the new one new`,
    )
  }
  return { table: tableKey(table), from, to }
}

/** A table may be named as it is called now or as it was before this migration. */
export function labelsOf(table: Table, renames: readonly TableRename[]): string[] {
  const old = renames.find(({ schema, to }) => schema === table.schema && to === table.name)
  return [tableLabel(table), ...(old ? [tableLabel({ schema: old.schema, name: old.from })] : [])]
}

function parseFlag(flag: string): { from: string; to: string } {
  const [from, to, ...more] = flag.split('=')
  if (!from || !to || more.length > 0) {
    throw new GenerateOptionError(`--rename ${flag}: write table.old=new or old_table=new_table`)
  }
  return { from, to }
}
