import { rule } from '../rule.ts'

/** Statements that lock a table, or most of its rows, on purpose. */
export const WRITING_RULES = [
  rule({
    code: 'unbounded-write',
    on: ['write'],
    when: ({ isBounded }) => !isBounded,
    why: 'Without WHERE every row stays locked until the end of the file, and the table doubles on disk.',
    better: ({ table, verb }) =>
      `Do it in batches outside of migrations: ${verb === 'delete' ? `DELETE FROM ${table}` : `UPDATE ${table} SET …`} ` +
      `WHERE id IN (SELECT id FROM ${table} WHERE … LIMIT 1000);`,
  }),
  rule({
    code: 'truncate',
    on: ['truncate'],
    why: 'Nobody may even read the table until the end of the file, and its rows are gone.',
    better: ({ table }) =>
      `Delete in batches outside of migrations: DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} LIMIT 1000);`,
  }),
  rule({
    code: 'lock-table',
    on: ['lock'],
    why: 'The lock is held until the end of the file, and everybody whom it shuts out waits.',
    better: ({ table }) =>
      `Leave locking to the statement that needs it, or lock rows: SELECT … FROM ${table} WHERE … FOR UPDATE;`,
  }),
]
