import { and, asc, desc, eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { Id } from '../platform/index.ts'
import { type CoreExecutor, type CoreTx, type SchemaState, tenants } from '../tenancy/index.ts'
import { fleetRuns, fleetRunTenants } from './tables.ts'
import type { MigrationAction, TenantFailure } from './types.ts'

/** A recorded run. */
export type Run = typeof fleetRuns.$inferSelect
export type NewRun = Pick<Run, 'id' | 'kind' | 'action' | 'settings' | 'upToDate'>
export type RunStatus = Run['status']
export type RunTenantStatus = (typeof fleetRunTenants.$inferSelect)['status']

/** The right to carry a run out. */
export interface Lease {
  readonly runId: Id
  readonly token: Id
}

/** A tenant as a run sees it. */
export type FleetTenant = Awaited<ReturnType<typeof listFleet>>[number]

/** A tenant's turn in a run. */
export type RunTenant = Awaited<ReturnType<typeof listRunTenants>>[number]

/** How long a run belongs to a process that gives no sign of life. */
const LEASE_SECONDS = 8

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

/**
 * A run that some process carries out at this moment; one whose process gave no sign of life is taken from it. Others that
 * look wait until the transaction ends.
 */
export async function findRunning(core: CoreTx): Promise<Run | undefined> {
  await core.orm.execute(sql`SELECT pg_advisory_xact_lock(hashtext('tenantry fleet runs'))`)
  // Without its token a process that was asleep, and wakes up beside another run, cannot go on with its own.
  await core.orm
    .update(fleetRuns)
    .set({
      status: 'paused',
      reason: 'its process gave no sign of life',
      leaseToken: null,
      leasedUntil: null,
    })
    .where(
      and(eq(fleetRuns.status, 'running'), sql`coalesce(${fleetRuns.leasedUntil}, '-infinity') <= now()`),
    )
  const [row] = await core.orm.select().from(fleetRuns).where(eq(fleetRuns.status, 'running'))
  return row
}

export async function insertRun(core: CoreTx, run: NewRun, holder: string, token: Id): Promise<void> {
  await core.orm
    .insert(fleetRuns)
    .values({ ...run, status: 'running', holder, leaseToken: token, leasedUntil: leaseEnd() })
}

/** Appends tenants to a run, in their order. */
export async function insertRunTenants(
  core: CoreExecutor,
  runId: Id,
  turns: readonly { readonly tenantId: Id; readonly wave: number; readonly position: number }[],
): Promise<void> {
  const column = (values: readonly (string | number)[]) => sql.param(`{${values.join(',')}}`)
  await core.orm.execute(
    sql`INSERT INTO ${fleetRunTenants} (run_id, tenant_id, wave, position)
      SELECT ${runId}::uuid, turn.* FROM ${tenants} JOIN unnest(
        ${column(turns.map(({ tenantId }) => tenantId))}::uuid[],
        ${column(turns.map(({ wave }) => wave))}::integer[],
        ${column(turns.map(({ position }) => position))}::integer[]
      ) AS turn (tenant_id, wave, position) ON turn.tenant_id = ${tenants.id}
      ON CONFLICT DO NOTHING`,
  )
}

/** Gives a run to whoever takes it up. */
export async function leaseRun(core: CoreTx, { runId, token }: Lease, holder: string): Promise<void> {
  await core.orm
    .update(fleetRuns)
    .set({
      status: 'running',
      holder,
      leaseToken: token,
      leasedUntil: leaseEnd(),
      reason: null,
      finishedAt: null,
      updatedAt: sql`now()`,
    })
    .where(eq(fleetRuns.id, runId))
}

/** Lets tenants of a run have another turn. */
export async function setTurnStatus(
  core: CoreExecutor,
  runId: Id,
  from: RunTenantStatus[],
  to: RunTenantStatus,
): Promise<void> {
  await core.orm
    .update(fleetRunTenants)
    .set({ status: to })
    .where(and(eq(fleetRunTenants.runId, runId), inArray(fleetRunTenants.status, from)))
}

/** False when the run belongs to somebody else by now. */
export async function prolongLease(core: CoreExecutor, lease: Lease): Promise<boolean> {
  const rows = await core.orm
    .update(fleetRuns)
    .set({ leasedUntil: leaseEnd() })
    .where(isHeldBy(lease))
    .returning({ id: fleetRuns.id })
  return rows.length === 1
}

/** Ends a run, or a stretch of it. False when it belongs to somebody else by now. */
export async function endRun(
  core: CoreExecutor,
  lease: Lease,
  end: { status: RunStatus; reason: string | null },
): Promise<boolean> {
  const rows = await core.orm
    .update(fleetRuns)
    .set({
      ...end,
      // The token stays: told twice, because an answer was lost, it is still this process's run.
      leasedUntil: null,
      updatedAt: sql`now()`,
      finishedAt: end.status === 'finished' ? sql`now()` : null,
    })
    .where(isHeldBy(lease))
    .returning({ id: fleetRuns.id })
  return rows.length === 1
}

/** Notes that a tenant's turn has come. False when the run belongs to somebody else by now. */
export async function beginTurn(core: CoreExecutor, lease: Lease, tenantId: Id): Promise<boolean> {
  const turn = sql`UPDATE ${fleetRunTenants}
    SET status = 'running', attempts = attempts + 1, started_at = now()
    WHERE run_id = ${lease.runId} AND tenant_id = ${tenantId} AND EXISTS (SELECT FROM held) RETURNING 1`
  // Waits for the disk: a rollback goes by what has begun.
  return await whileHeld(core, lease, sql`true`, turn)
}

/** What a turn came to. */
export interface Turn {
  /** `pending`: it was not waited for, and gets another turn. */
  readonly status: 'pending' | 'done' | 'failed' | 'left'
  /** What this run has applied, or taken back, there; absent where that is not known. */
  readonly versions?: readonly string[]
  readonly durationMs: number
  readonly failure?: TenantFailure
  /** What the database holds now, where that is known. */
  readonly schema?: Required<SchemaState>
}

/**
 * Records a turn, in the run and with the tenant, in one statement. A crash of the server may lose it, and then the turn is
 * taken once more and finds nothing to do. False when the run belongs to somebody else by now.
 */
export async function recordTurn(
  core: CoreExecutor,
  lease: Lease,
  tenantId: Id,
  { status, versions, durationMs, failure, schema }: Turn,
  direction: MigrationAction['direction'],
): Promise<boolean> {
  const schemaColumns = schema
    ? sql`schema_version = ${schema.schemaVersion}, migrations_applied = ${schema.migrationsApplied},
        schema_checksum = ${schema.schemaChecksum},`
    : sql``
  const told = failure === undefined ? null : JSON.stringify(failure)
  const failures =
    status === 'failed'
      ? sql`migration_failures = migration_failures + 1, migration_failure = ${told}::jsonb`
      : // What kept it from going up is not mended by going down.
        status === 'done' && direction === 'up'
        ? sql`migration_failures = 0, migration_failure = NULL`
        : sql`migration_failures = migration_failures`
  const turn = sql`UPDATE ${fleetRunTenants}
    SET status = ${status}, versions = coalesce(${versions ? `{${versions.join(',')}}` : null}::text[], versions), duration_ms = ${durationMs},
      failure = ${told}::jsonb, finished_at = now()
    WHERE run_id = ${lease.runId} AND tenant_id = ${tenantId} AND EXISTS (SELECT FROM held) RETURNING 1`
  const tenant = sql`UPDATE ${tenants} SET ${schemaColumns} ${failures}, updated_at = now()
    WHERE id = ${tenantId} AND EXISTS (SELECT FROM held) RETURNING 1`
  const withoutWaitingForDisk = sql`set_config('synchronous_commit', 'off', true) = 'off'`
  return await whileHeld(core, lease, withoutWaitingForDisk, turn, tenant)
}

/** @param statuses only those with one of these */
export async function listRunTenants(core: CoreExecutor, runId: Id, statuses?: readonly RunTenantStatus[]) {
  const { tenantId, wave, position, status, attempts, versions, durationMs, failure } = fleetRunTenants
  return await core.orm
    .select({
      tenantId,
      wave,
      position,
      status,
      attempts,
      versions,
      durationMs,
      failure,
      serverId: tenants.serverId,
      databaseName: tenants.databaseName,
      migrationFailures: tenants.migrationFailures,
    })
    .from(fleetRunTenants)
    .innerJoin(tenants, eq(tenants.id, tenantId))
    .where(and(eq(fleetRunTenants.runId, runId), statuses && inArray(status, [...statuses])))
    .orderBy(asc(position))
}

/** A run with how many of its tenants are where. */
export type RunSummary = Awaited<ReturnType<typeof listRuns>>[number]

/** Newest first. @param id only this one */
export async function listRuns(core: CoreExecutor, { id, limit = 50 }: { id?: Id; limit?: number } = {}) {
  const count = (status: RunTenantStatus) =>
    sql<number>`(count(*) FILTER (WHERE ${fleetRunTenants.status} = ${status}))::int`
  return await core.orm
    .select({
      run: fleetRuns,
      isCarriedOut: sql<boolean>`coalesce(${fleetRuns.status} = 'running' AND ${fleetRuns.leasedUntil} > now(), false)`,
      planned: sql<number>`count(${fleetRunTenants.tenantId})::int`,
      done: count('done'),
      failed: count('failed'),
      left: count('left'),
      running: count('running'),
    })
    .from(fleetRuns)
    .leftJoin(fleetRunTenants, eq(fleetRunTenants.runId, fleetRuns.id))
    .where(id === undefined ? undefined : eq(fleetRuns.id, id))
    .groupBy(fleetRuns.id)
    .orderBy(desc(fleetRuns.createdAt), desc(fleetRuns.id))
    .limit(limit)
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

/** Runs statements that check for `held` themselves, in one; says whether the run was held. */
async function whileHeld(
  core: CoreExecutor,
  lease: Lease,
  condition: SQL,
  ...statements: SQL[]
): Promise<boolean> {
  const parts = statements.map((statement, index) => sql`part${sql.raw(String(index))} AS (${statement})`)
  const { rows } = await core.orm.execute<{ held: boolean }>(
    sql`WITH held AS (
        SELECT FROM ${fleetRuns} WHERE id = ${lease.runId} AND lease_token = ${lease.token} AND ${condition}
      ), ${sql.join(parts, sql`, `)}
      SELECT EXISTS (SELECT FROM held) AS held`,
  )
  return rows[0]?.held === true
}

function isHeldBy({ runId, token }: Lease): SQL | undefined {
  return and(eq(fleetRuns.id, runId), eq(fleetRuns.leaseToken, token))
}

function leaseEnd(): SQL {
  return sql`now() + make_interval(secs => ${LEASE_SECONDS})`
}
