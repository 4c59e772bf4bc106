import type pg from 'pg'
import type { SecretBook } from './secret-book.ts'

/** Rows of each table that are looked at: a sample is enough, because what one row of a table has, all have. */
const ROWS = 200

/** Every table of every schema but PostgreSQL's own. */
const TABLES = `
  SELECT format('(SELECT row::text AS row FROM %I.%I AS row LIMIT ${ROWS})', nspname, relname) AS rows
  FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
  WHERE relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
  ORDER BY nspname, relname`

/**
 * O16: looks for secrets in what a database keeps, the audit log and every outbox included.
 *
 * @throws Error when a row holds one in the clear
 */
export async function checkStored(connection: pg.ClientBase, book: SecretBook): Promise<void> {
  const tables = await connection.query<{ rows: string }>(TABLES)
  if (tables.rows.length === 0) return
  const { rows } = await connection.query<{ row: string }>(
    tables.rows.map((table) => table.rows).join(' UNION ALL '),
  )
  book.check('database', rows.map(({ row }) => row).join('\n'))
}
