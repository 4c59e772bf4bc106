import { assertDecided } from './ambiguities.ts'
import { columnRenameOf, type TableRename, tableRenameOf } from './decisions.ts'
import type { Kit } from './kit.ts'
import { takeOverNames } from './name-changes.ts'
import { type RenameStatement, renameColumn, renameTable } from './renames.ts'
import { type Snapshot, without } from './snapshot.ts'
import { stagesBetween } from './stages.ts'
import { statementsAlong } from './statements.ts'

/** What was decided by flags. */
export interface Decisions {
  readonly renames: readonly string[]
  readonly drops: readonly string[]
}

/**
 * The statements from one model to the other and back. Views that change go first of all and come last of
 * all, around the renames: their text speaks of tables and columns by the names of its own model.
 *
 * @throws RenameDecisionNeeded, GenerateOptionError
 */
export async function difference(
  kit: Kit,
  last: Snapshot,
  after: Snapshot,
  decisions: Decisions,
): Promise<{ up: string[]; down: string[] }> {
  const before = structuredClone(last)
  const renamed = applyDecisions(before, after, decisions)
  const steady = (model: Snapshot): Snapshot => withoutChangedViews(model, last, after)
  const along = (...models: Snapshot[]): Promise<string[]> => statementsAlong(kit, models)
  return {
    up: [
      ...(await along(last, steady(last))),
      ...renamed.map(({ up }) => up),
      ...(await along(...stagesBetween(steady(before), steady(after)))),
      ...(await along(steady(after), after)),
    ],
    down: [
      ...(await along(after, steady(after))),
      ...(await along(...stagesBetween(steady(after), steady(before)))),
      ...renamed.map(({ down }) => down).reverse(),
      ...(await along(steady(last), last)),
    ],
  }
}

/** Turns `before` into a model that lacks no rename any more, and returns the statements for that. */
function applyDecisions(before: Snapshot, after: Snapshot, { renames, drops }: Decisions): RenameStatement[] {
  const statements: RenameStatement[] = []
  const tables: TableRename[] = []
  const others = renames.filter((flag) => {
    const table = tableRenameOf(before, after, flag)
    if (!table) return true
    tables.push(table)
    statements.push(renameTable(before, table))
    return false
  })
  for (const flag of others) {
    statements.push(renameColumn(before, columnRenameOf(before, after, flag, tables)))
  }
  assertDecided(before, after, drops, tables)
  return [...statements, ...takeOverNames(before, after, tables)]
}

function withoutChangedViews(model: Snapshot, one: Snapshot, other: Snapshot): Snapshot {
  const isChanged = (key: string): boolean =>
    JSON.stringify(one.views[key]) !== JSON.stringify(other.views[key])
  return { ...model, views: without(model.views, isChanged) }
}
