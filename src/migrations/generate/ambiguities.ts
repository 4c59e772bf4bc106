import { labelsOf, type TableRename } from './decisions.ts'
import { GenerateOptionError, type RenameCandidate, RenameDecisionNeeded } from './errors.ts'
import { missingFrom, type Snapshot, tableLabel } from './snapshot.ts'

/**
 * Makes sure that nothing is left that could be a rename.
 *
 * @param before the last model with all renames applied
 * @param drops tables and `table.column`s that are dropped on purpose
 * @throws RenameDecisionNeeded with the flags to choose from
 * @throws GenerateOptionError for a drop that matches nothing
 */
export function assertDecided(
  before: Snapshot,
  after: Snapshot,
  drops: readonly string[],
  tables: readonly TableRename[],
): void {
  const unused = new Set(drops)
  const isDropped = (labels: readonly string[]): boolean => {
    const used = labels.filter((label) => drops.includes(label))
    for (const label of used) unused.delete(label)
    return used.length > 0
  }
  const goneTables = missingFrom(before.tables, after.tables)
    .map(([, table]) => tableLabel(table))
    .filter((label) => !isDropped([label]))
  const newTables = missingFrom(after.tables, before.tables).map(([, table]) => tableLabel(table))
  const candidates = [candidate('table', undefined, goneTables, newTables)]

  for (const [key, table] of Object.entries(before.tables)) {
    const target = after.tables[key]
    if (!target) continue
    const gone = missingFrom(table.columns, target.columns)
      .map(([name]) => name)
      .filter((name) => !isDropped(labelsOf(table, tables).map((label) => `${label}.${name}`)))
    const added = missingFrom(target.columns, table.columns).map(([name]) => name)
    candidates.push(candidate('column', tableLabel(table), gone, added))
  }
  const open = candidates.filter(({ gone, added }) => gone.length > 0 && added.length > 0)
  if (open.length > 0) throw new RenameDecisionNeeded(open)
  const [first] = unused
  if (first !== undefined) throw new GenerateOptionError(`--drop ${first} matches nothing that is gone`)
}

function candidate(
  kind: RenameCandidate['kind'],
  table: string | undefined,
  gone: readonly string[],
  added: readonly string[],
): RenameCandidate {
  const path = (name: string): string => (table === undefined ? name : `${table}.${name}`)
  const renames = gone.flatMap((old) => added.map((name) => `--rename ${path(old)}=${name}`))
  const flags = [...renames, ...gone.map((old) => `--drop ${path(old)}`)]
  return { kind, ...(table !== undefined && { table }), gone, added, flags }
}
