import { rule } from '../rule.ts'

/** What takes a name away that running code still says: during a deployment, old and new code run side by side. */
export const COMPATIBILITY_RULES = [
  rule({
    code: 'rename-table',
    on: ['rename-table'],
    onlyUp: true,
    why: 'Code that runs meanwhile asks for the old name and fails.',
    better: ({ table, to }) =>
      `Leave the name, or keep the old one as a view until no running code says it: ALTER TABLE ${table} RENAME TO ${to}; ` +
      `CREATE VIEW ${table} AS SELECT * FROM ${to};`,
  }),
  rule({
    code: 'rename-column',
    on: ['rename-column'],
    onlyUp: true,
    why: 'Code that runs meanwhile asks for the old name and fails.',
    better: ({ table, column, to }) =>
      `Expand and contract: ALTER TABLE ${table} ADD COLUMN ${to} …; write both, fill ${to} in batches, read it, and drop ` +
      `${column} in a later release.`,
  }),
  rule({
    code: 'drop-column',
    on: ['drop-column'],
    onlyUp: true,
    why: 'Code that runs meanwhile still reads the column and fails, and its values are gone.',
    better: ({ table, column }) =>
      `First release code that does not know ${table}.${column}, then drop it, with a comment that says so: ` +
      '-- lint: allow drop-column because no code reads it since release …',
  }),
  rule({
    code: 'drop-table',
    on: ['drop'],
    onlyUp: true,
    when: ({ object }) => object === 'table' || object === 'schema' || object === 'owned',
    why: 'Code that runs meanwhile still reads it and fails, and its rows are gone.',
    better: ({ object, name }) =>
      `First release code that does not know the ${object} ${name}, then drop it, with a comment that says so: ` +
      '-- lint: allow drop-table because no code reads it since release …',
  }),
]
