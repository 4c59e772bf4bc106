import { randomBytes } from 'node:crypto'
import pg from 'pg'

/** Runs `work` with one connection and closes it. */
export async function connected<T>(
  databaseUrl: string,
  work: (connection: pg.Client) => Promise<T>,
): Promise<T> {
  const connection = new pg.Client({ connectionString: databaseUrl })
  await connection.connect()
  try {
    return await work(connection)
  } finally {
    await connection.end()
  }
}

/** The template that the server clones tenants from. */
export async function templateName(connection: pg.Client): Promise<string> {
  const { rows } = await connection.query<{ datname: string }>(
    `SELECT datname FROM pg_database WHERE datname LIKE 'tenantry_template_%' AND NOT datallowconn`,
  )
  const [row] = rows
  if (!row) throw new Error('the server has no template')
  return row.datname
}

/** The baseline of a creation: one clone of the template under a name that nobody has. */
export async function cloneTemplate(connection: pg.Client, template: string): Promise<void> {
  const name = `bench_${randomBytes(6).toString('hex')}`
  await connection.query(`CREATE DATABASE "${name}" TEMPLATE "${template}"`)
}

/** Milliseconds that something takes. */
export async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}
