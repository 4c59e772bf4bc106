import { isFreeWidening } from '../../changes/column-type.ts'
import { rule } from '../rule.ts'

/** Columns that are added or changed in a way that fails on rows, or reads or writes all of them. */
export const COLUMN_RULES = [
  rule({
    code: 'add-column-not-null',
    on: ['add-column'],
    when: ({ column }) => column.isNotNull && column.filling === undefined,
    why: 'It fails as soon as the table has a row, because nothing says what that row gets.',
    better: ({ table, column: { name } }) =>
      `Give it a constant default, which costs nothing: ALTER TABLE ${table} ADD COLUMN ${name} … DEFAULT '' NOT NULL; ` +
      'or add it without NOT NULL, fill it, and see set-not-null.',
  }),
  rule({
    code: 'add-column-rewrite',
    on: ['add-column'],
    when: ({ column }) => column.filling === 'each',
    why: 'Each row gets a value of its own, so the whole table is written anew while nobody may even read it.',
    better: ({ table, column: { name } }) =>
      `Add the column bare, then its default for new rows, and fill the old ones in batches outside of migrations: ` +
      `ALTER TABLE ${table} ADD COLUMN ${name} …; ALTER TABLE ${table} ALTER COLUMN ${name} SET DEFAULT …;`,
  }),
  rule({
    code: 'alter-column-type',
    on: ['alter-type'],
    when: ({ table, column, type, using }, { facts }) => {
      const before = facts.typeOf(table, column)
      return using !== undefined || before === undefined || !isFreeWidening(before, type)
    },
    why: 'It may write the whole table and its indexes anew while nobody may even read it, and running code meets a type that it does not expect.',
    better: ({ table, column }) =>
      `Expand and contract: ALTER TABLE ${table} ADD COLUMN ${column}_new …; write both columns, fill the new one in ` +
      'batches, read it, and drop the old one in a later release. Free by themselves: varchar to text, and a longer varchar.',
  }),
  rule({
    code: 'set-not-null',
    on: ['set-not-null'],
    when: ({ table, column }, { facts }) => !facts.isProvenNotNull(table, column),
    why: 'Every row is read while nobody may even read the table.',
    better: ({ table, column }) =>
      `Prove it first, in files of their own: ALTER TABLE ${table} ADD CONSTRAINT ${column}_not_null CHECK (${column} IS NOT NULL) ` +
      `NOT VALID; then ALTER TABLE ${table} VALIDATE CONSTRAINT ${column}_not_null; after that SET NOT NULL reads nothing.`,
  }),
  rule({
    code: 'rewrite-table',
    on: ['rewrite-table'],
    why: 'The whole table is written anew while nobody may even read it.',
    better: ({ by }) =>
      `Do ${by} outside of migrations, in a maintenance window; against bloat a plain VACUUM mostly suffices: VACUUM (ANALYZE) …;`,
  }),
]
