import { asc, inArray, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import { type CoreExecutor, tenants } from '../../tenancy/index.ts'

/** A tenant as a run sees it. */
export type FleetTenant = Awaited<ReturnType<typeof listFleet>>[number]

/** Tenants with a complete database, spares left out, oldest first. */
export async function listFleet(core: CoreExecutor) {
  const { id, serverId, databaseName, schemaVersion, migrationsApplied, schemaChecksum, migrationFailures } =
    tenants
  return await core.orm
    .select({
      id,
      serverId,
      databaseName,
      schemaVersion,
      migrationsApplied,
      schemaChecksum,
      migrationFailures,
    })
    .from(tenants)
    .where(inArray(tenants.status, ['active', 'suspended']))
    .orderBy(asc(id))
}

/** Tenants that are alike, for the histogram. */
export interface FleetGroup {
  readonly isFinished: boolean
  readonly schemaVersion: string | null
  readonly migrationsApplied: number
  readonly schemaChecksum: string | null
  /** What the last run met; null where it met nothing. */
  readonly failureCode: string | null
  readonly tenants: number
  /** Some of them. */
  readonly examples: readonly Id[]
}

/** The whole fleet in one query, grouped: its cost in this process does not grow with the number of tenants. */
export async function groupFleet(core: CoreExecutor, examples: number): Promise<FleetGroup[]> {
  const { status, schemaVersion, migrationsApplied, schemaChecksum, migrationFailure, id } = tenants
  const isFinished = sql<boolean>`${status} IN ('active', 'suspended')`
  const failureCode = sql<string | null>`${migrationFailure} ->> 'code'`
  return await core.orm
    .select({
      isFinished,
      schemaVersion,
      migrationsApplied,
      schemaChecksum,
      failureCode,
      tenants: sql<number>`count(*)::int`,
      examples: sql<Id[]>`to_json((array_agg(${id} ORDER BY ${id}))[1:${examples}::int])`,
    })
    .from(tenants)
    .where(sql`${status} NOT IN ('spare', 'preparing')`)
    .groupBy(sql`1`, sql`2`, sql`3`, sql`4`, sql`5`)
    .orderBy(sql`2 NULLS FIRST`, sql`3`, sql`4`, sql`5`)
}
