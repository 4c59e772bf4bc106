import {
  type ForeignKey,
  mapValues,
  missingFrom,
  type Snapshot,
  type Table,
  tableKey,
  without,
} from './snapshot.ts'

/**
 * Cuts the way from one model to another into stages that drizzle-kit can be trusted with. No stage has
 * something gone and something new at once, so there is no rename to ask about. And the order is one that
 * PostgreSQL accepts without CASCADE: foreign keys go first; then constraints, indexes and columns; then
 * tables, each before those that it refers to; then everything is added and altered; foreign keys follow when
 * their targets are unique; and types and schemas go last, when no column has them any more. Views are not
 * the matter here: both models have the same.
 *
 * @returns the models between which to take differences, `before` first and `after` last
 */
export function stagesBetween(before: Snapshot, after: Snapshot): Snapshot[] {
  const { order, cyclic } = dropOrder(before, after)
  const withoutLinks = dropLinks(before, after, cyclic)
  const withoutParts = dropParts(withoutLinks, after)
  const withoutTables = order.map((_, index) => {
    const gone = order.slice(0, index + 1)
    return { ...withoutParts, tables: without(withoutParts.tables, (key) => gone.includes(key)) }
  })
  const smallest = withoutTables.at(-1) ?? withoutParts
  const complete = keepTypes(before, after)
  return [before, withoutLinks, withoutParts, ...withoutTables, addAll(smallest, complete), complete, after]
}

/**
 * Policies and foreign keys that are gone or changed, and those foreign keys of dropped tables that go in a
 * circle.
 */
function dropLinks(before: Snapshot, after: Snapshot, cyclic: ReadonlySet<ForeignKey>): Snapshot {
  const tables = mapValues(before.tables, (table, key) => {
    const target = after.tables[key]
    if (!target)
      return { ...table, foreignKeys: without(table.foreignKeys, (_, foreign) => cyclic.has(foreign)) }
    return {
      ...table,
      foreignKeys: without(table.foreignKeys, differsFrom(target.foreignKeys)),
      policies: without(table.policies, differsFrom(target.policies)),
    }
  })
  return { ...before, tables }
}

/**
 * Constraints, indexes and columns that are gone or changed in tables that stay, and the policies of no
 * table.
 */
function dropParts(before: Snapshot, after: Snapshot): Snapshot {
  const tables = mapValues(before.tables, (table, key) => {
    const target = after.tables[key]
    if (!target) return table
    return {
      ...table,
      columns: without(table.columns, (name) => !target.columns[name]),
      indexes: without(table.indexes, differsFrom(target.indexes)),
      uniqueConstraints: without(table.uniqueConstraints, differsFrom(target.uniqueConstraints)),
      checkConstraints: without(table.checkConstraints, differsFrom(target.checkConstraints)),
      compositePrimaryKeys: without(table.compositePrimaryKeys, differsFrom(target.compositePrimaryKeys)),
    }
  })
  return { ...before, tables, policies: without(before.policies, differsFrom(after.policies)) }
}

/** What has changed is dropped and made anew, in the places for what is gone and what is new. */
function differsFrom<Item>(others: Readonly<Record<string, Item>>): (name: string, item: Item) => boolean {
  return (name, item) => JSON.stringify(item) !== JSON.stringify(others[name])
}

/** The target, but with what other things may still need: it goes in the last stage. */
function keepTypes(before: Snapshot, after: Snapshot): Snapshot {
  return {
    ...after,
    enums: { ...before.enums, ...after.enums },
    schemas: { ...before.schemas, ...after.schemas },
    sequences: { ...before.sequences, ...after.sequences },
    roles: { ...before.roles, ...after.roles },
  }
}

/** The target without the foreign keys that are new or changed. */
function addAll(before: Snapshot, after: Snapshot): Snapshot {
  const tables = mapValues(after.tables, (table, key) => ({
    ...table,
    foreignKeys: without(table.foreignKeys, differsFrom(before.tables[key]?.foreignKeys ?? {})),
  }))
  return { ...after, tables }
}

/**
 * The tables that are gone, each before the tables that its foreign keys refer to. Where these go in a
 * circle, the foreign keys into one of its tables are returned too: they must go first.
 */
function dropOrder(before: Snapshot, after: Snapshot): { order: string[]; cyclic: Set<ForeignKey> } {
  const left = new Map(missingFrom(before.tables, after.tables))
  const order: string[] = []
  const cyclic = new Set<ForeignKey>()
  while (left.size > 0) {
    const keys = [...left.keys()]
    const free = keys.find((key) => referencesTo(key, left, cyclic).length === 0)
    const next = free ?? keys[0] ?? ''
    for (const foreign of free ? [] : referencesTo(next, left, cyclic)) cyclic.add(foreign)
    left.delete(next)
    order.push(next)
  }
  return { order, cyclic }
}

function referencesTo(
  key: string,
  tables: ReadonlyMap<string, Table>,
  ignored: ReadonlySet<ForeignKey>,
): ForeignKey[] {
  const others = [...tables].filter(([other]) => other !== key).map(([, table]) => table)
  return others
    .flatMap((table) => Object.values(table.foreignKeys))
    .filter((foreign) => tableKey({ schema: foreign.schemaTo ?? '', name: foreign.tableTo }) === key)
    .filter((foreign) => !ignored.has(foreign))
}
