import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { createOrganization, register } from '../support/api.ts'
import { type Pair, type Row, summarize } from '../support/statistics.ts'
import type { World } from '../support/world.ts'

/** `POST /organizations` against `CREATE DATABASE … TEMPLATE` of the same template over an open connection. */
export async function creation({ server, databaseUrl }: World, rounds: number): Promise<Row> {
  const owner = await register(server.url)
  const connection = new pg.Client({ connectionString: databaseUrl })
  await connection.connect()
  try {
    const template = await templateName(connection)
    await createOrganization(server.url, owner)
    const pairs: Pair[] = []
    for (let round = 0; round < rounds; round++) {
      const measured = await milliseconds(() => createOrganization(server.url, owner))
      const name = `bench_${randomBytes(6).toString('hex')}`
      const baseline = await milliseconds(() =>
        connection.query(`CREATE DATABASE "${name}" TEMPLATE "${template}"`),
      )
      pairs.push({ measured, baseline })
    }
    const floor = { compare: '<=', value: 1.5 } as const
    return { name: 'POST /organizations', unit: 'ms', ...summarize(pairs), floor }
  } finally {
    await connection.end()
  }
}

async function templateName(connection: pg.Client): Promise<string> {
  const { rows } = await connection.query<{ datname: string }>(
    `SELECT datname FROM pg_database WHERE datname LIKE 'tenantry_template_%' AND NOT datallowconn`,
  )
  const [row] = rows
  if (!row) throw new Error('the server has no template')
  return row.datname
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}
