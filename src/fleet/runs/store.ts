import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import type { CoreExecutor, CoreTx } from '../../tenancy/index.ts'
import { fleetRuns, fleetRunTenants, type RunTenantStatus } from '../tables.ts'

/** A recorded run. */
export type Run = typeof fleetRuns.$inferSelect
export type NewRun = Pick<Run, 'id' | 'kind' | 'action' | 'settings' | 'upToDate'>
export type RunStatus = Run['status']

/** The right to carry a run out. */
export interface Lease {
  readonly runId: Id
  readonly token: Id
}

/** How long a run belongs to a process that gives no sign of life. */
const LEASE_SECONDS = 8

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

/** False when the run belongs to somebody else by now. */
export async function prolongLease(core: CoreExecutor, lease: Lease): Promise<boolean> {
  const rows = await core.orm
    .update(fleetRuns)
    .set({ leasedUntil: leaseEnd() })
    .where(isHeldBy(lease))
    .returning({ id: fleetRuns.id })
  return rows.length === 1
}

/** Whether a run goes on, as far as is recorded; so it stays until the transaction ends. */
export async function isRunning(tx: CoreTx, runId: Id): Promise<boolean> {
  const [row] = await tx.orm
    .select({ status: fleetRuns.status })
    .from(fleetRuns)
    .where(eq(fleetRuns.id, runId))
    .for('no key update')
  return row?.status === 'running'
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

/** A run with how many of its tenants are where. */
export type RunSummary = Awaited<ReturnType<typeof listRuns>>[number]

/** Newest first. @param id only this one */
export async function listRuns(core: CoreExecutor, { id, limit = 50 }: { id?: Id; limit?: number } = {}) {
  const count = (status: RunTenantStatus) =>
    sql<number>`(count(*) FILTER (WHERE ${fleetRunTenants.status} = ${status}))::int`
  const newest = core.orm
    .select({ id: fleetRuns.id })
    .from(fleetRuns)
    .orderBy(desc(fleetRuns.createdAt), desc(fleetRuns.id))
    .limit(limit)
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
    // Not all that ever were, of which each has as many rows as there are tenants.
    .where(id === undefined ? inArray(fleetRuns.id, newest) : eq(fleetRuns.id, id))
    .groupBy(fleetRuns.id)
    .orderBy(desc(fleetRuns.createdAt), desc(fleetRuns.id))
    .limit(limit)
}

function isHeldBy({ runId, token }: Lease): SQL | undefined {
  return and(eq(fleetRuns.id, runId), eq(fleetRuns.leaseToken, token))
}

function leaseEnd(): SQL {
  return sql`now() + make_interval(secs => ${LEASE_SECONDS})`
}
