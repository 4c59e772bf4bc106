import type { ChangeOf } from '../../changes/change.ts'
import { rule } from '../rule.ts'

/** A constraint of a table, or one that comes with a new column. */
type Constraining = ChangeOf<'add-constraint'> | ChangeOf<'add-column'>

const BOTH = ['add-constraint', 'add-column'] as const

/** Constraints that look at every row, or build an index, under a lock. */
export const CONSTRAINT_RULES = [
  rule({
    code: 'add-foreign-key',
    on: BOTH,
    when: (change) =>
      change.kind === 'add-column'
        ? change.column.isForeignKey && change.column.filling !== undefined
        : change.type === 'foreign key' && change.checksRows,
    why: 'Every row is compared with the other table, and nobody may write to either of them meanwhile.',
    better: (change) => inTwoSteps(change, 'FOREIGN KEY (…) REFERENCES …'),
  }),
  rule({
    code: 'add-check',
    on: BOTH,
    when: (change) =>
      change.kind === 'add-column' ? change.column.hasCheck : isCheck(change) && change.checksRows,
    why: 'Every row is read while nobody may even read the table.',
    better: (change) => inTwoSteps(change, 'CHECK (…)'),
  }),
  rule({
    code: 'add-unique',
    on: BOTH,
    when: (change) =>
      change.kind === 'add-column'
        ? change.column.isUnique
        : (change.type === 'unique' || change.type === 'primary key') && !change.usesIndex,
    why: 'Its index is built while nobody may even read the table.',
    better: ({ table }) =>
      `Build the index first, in a file of its own with transaction:false: CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ` +
      `… ON ${table} (…); then ALTER TABLE ${table} ADD CONSTRAINT … UNIQUE USING INDEX …;`,
  }),
  rule({
    code: 'add-exclusion',
    on: ['add-constraint'],
    when: ({ type }) => type === 'exclude',
    why: 'Its index is built while nobody may even read the table, and there is no way to build it before.',
    better: ({ table }) =>
      `Make a new table with the constraint, write to both and move over: CREATE TABLE ${table}_new (LIKE ${table} INCLUDING ALL, EXCLUDE …);`,
  }),
  rule({
    code: 'validate-at-once',
    on: ['validate-constraint'],
    when: ({ table, name }, { facts }) => facts.isUnchecked(table, name),
    why: 'The lock that adding the constraint took is held until the end of the file, so all rows are read under it, as without NOT VALID.',
    better: ({ table, name }) => `Give it the next file: ALTER TABLE ${table} VALIDATE CONSTRAINT ${name};`,
  }),
]

function isCheck({ type }: ChangeOf<'add-constraint'>): boolean {
  return type === 'check' || type === 'not null'
}

function inTwoSteps({ table }: Constraining, definition: string): string {
  return (
    `In two files: ALTER TABLE ${table} ADD CONSTRAINT … ${definition} NOT VALID; holds for new rows at once, and ` +
    `ALTER TABLE ${table} VALIDATE CONSTRAINT …; reads the old ones while everybody works.`
  )
}
