import { and, asc, eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import { type CoreExecutor, type SchemaState, tenants } from '../../tenancy/index.ts'
import type { Lease } from '../runs/store.ts'
import { fleetRuns, fleetRunTenants, type RunTenantStatus } from '../tables.ts'
import type { MigrationAction, TenantFailure } from '../types.ts'

/** A tenant's turn in a run. */
export type RunTenant = Awaited<ReturnType<typeof listRunTenants>>[number]

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

/** Makes the next tenants the canary of a run whose canary failed: nothing has shown yet that its files work. */
export async function renewCanary(core: CoreExecutor, runId: Id, canary: number): Promise<void> {
  await core.orm.execute(
    sql`UPDATE ${fleetRunTenants} SET wave = 0
      WHERE run_id = ${runId} AND tenant_id IN (
        SELECT tenant_id FROM ${fleetRunTenants} WHERE run_id = ${runId} AND status = 'pending'
        ORDER BY position LIMIT ${canary})
      AND NOT EXISTS (
        SELECT FROM ${fleetRunTenants} WHERE run_id = ${runId} AND (status = 'done' OR wave = 0 AND status = 'pending'))`,
  )
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
  // Taken back on purpose: a request for the tenant must not apply it again.
  const isHeldBack =
    direction === 'down' ? (versions?.length ?? 0) > 0 || undefined : status === 'done' ? false : undefined
  const holding = isHeldBack === undefined ? sql`` : sql`is_held_back = ${isHeldBack},`
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
  const tenant = sql`UPDATE ${tenants} SET ${schemaColumns} ${holding} ${failures}, updated_at = now()
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
