import { asc, inArray, type SQL, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import { type CoreExecutor, type SchemaDrift, tenants } from '../../tenancy/index.ts'

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
  /** `failed`: their making was given up. `unfinished`: it has not ended. */
  readonly stage: 'complete' | 'unfinished' | 'failed'
  readonly schemaVersion: string | null
  readonly migrationsApplied: number
  readonly schemaChecksum: string | null
  /** What the last run met; null where it met nothing. */
  readonly failureCode: string | null
  readonly isDrifted: boolean
  readonly tenants: number
  /** How many of them were never compared with what their migrations make. */
  readonly neverChecked: number
  /** Some of them. */
  readonly examples: readonly Id[]
  /** How some of them differed when they were looked at; null where none is drifted. */
  readonly drifts: readonly DriftNote[] | null
}

/** How a tenant's schema differed from what its migrations make. */
export interface DriftNote extends SchemaDrift {
  readonly id: Id
  /** When it was looked at; RFC 3339, UTC. */
  readonly as_of: string
}

/** The whole fleet in one query, grouped: its cost in this process does not grow with the number of tenants. */
export async function groupFleet(core: CoreExecutor, examples: number): Promise<FleetGroup[]> {
  const { status, schemaVersion, migrationsApplied, schemaChecksum, migrationFailure, id } = tenants
  const { schemaDrift, schemaCheckedAt } = tenants
  const some = (values: SQL, condition = sql``) =>
    sql`to_json((array_agg(${values} ORDER BY ${id}) ${condition})[1:${examples}::int])`
  const note = sql`jsonb_build_object('id', ${id}, 'as_of',
    to_char(${schemaCheckedAt} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) || ${schemaDrift}`
  return await core.orm
    .select({
      stage: sql<FleetGroup['stage']>`CASE WHEN ${status} IN ('active', 'suspended') THEN 'complete'
        WHEN ${status} = 'failed' THEN 'failed' ELSE 'unfinished' END`,
      schemaVersion,
      migrationsApplied,
      schemaChecksum,
      failureCode: sql<string | null>`${migrationFailure} ->> 'code'`,
      isDrifted: sql<boolean>`${schemaDrift} IS NOT NULL`,
      tenants: sql<number>`count(*)::int`,
      neverChecked: sql<number>`(count(*) FILTER (WHERE ${schemaCheckedAt} IS NULL))::int`,
      examples: sql<Id[]>`${some(sql`${id}`)}`,
      drifts: sql<DriftNote[] | null>`${some(note, sql`FILTER (WHERE ${schemaDrift} IS NOT NULL)`)}`,
    })
    .from(tenants)
    .where(sql`${status} NOT IN ('spare', 'preparing')`)
    .groupBy(sql`1`, sql`2`, sql`3`, sql`4`, sql`5`, sql`6`)
    .orderBy(sql`2 NULLS FIRST`, sql`3`, sql`4`, sql`5`, sql`6`)
}
