import type { SQL } from 'drizzle-orm'
import type { Platform } from '../../src/compose.ts'

type Row = Record<string, unknown>

/** Runs a statement in the core database. */
export async function inCore<Result extends Row>({ core }: Platform, statement: SQL): Promise<Result[]> {
  return (await core.orm.execute(statement)).rows as Result[]
}

/** Runs a statement in one tenant's database. */
export async function inTenant<Result extends Row>(
  { tenancy }: Platform,
  tenantId: string,
  statement: SQL,
): Promise<Result[]> {
  return await tenancy.withTenant(
    tenantId,
    async (tenant) => (await tenant.orm.execute(statement)).rows as Result[],
  )
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
