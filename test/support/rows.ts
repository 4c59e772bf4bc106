import type { SQL } from 'drizzle-orm'
import type { Platform } from '../../src/compose.ts'
import { createDatabase } from '../../src/platform/index.ts'

type Row = Record<string, unknown>

/** Runs a statement in the core database. */
export async function inCore<Result extends Row>({ core }: Platform, statement: SQL): Promise<Result[]> {
  return (await core.orm.execute(statement)).rows as Result[]
}

/** Runs a statement in one tenant's database, as the platform's role: a tenant's own may not change tables. */
export async function inTenant<Result extends Row>(
  { tenancy }: Platform,
  tenantId: string,
  statement: SQL,
): Promise<Result[]> {
  const record = await tenancy.find(tenantId)
  if (!record) throw new Error(`there is no tenant ${tenantId}`)
  return await tenancy.maintain(record, async (connection) => {
    const database = createDatabase('tenant', {
      query: (query, values) => connection.query(query, values),
      exclusive: (work) => work(connection),
    })
    return (await database.orm.execute(statement)).rows as Result[]
  })
}

/** How many core queries run outside transactions until `stop`: a pass-through counter on the pool itself. */
export function countCoreQueries({ core }: Platform): { readonly count: number; stop(): void } {
  const pool = (core.orm as unknown as { $client: { query: (...args: unknown[]) => unknown } }).$client
  const { query } = pool
  let count = 0
  pool.query = (...args) => {
    count++
    return query.apply(pool, args)
  }
  return {
    get count() {
      return count
    },
    stop: () => {
      pool.query = query
    },
  }
}
