import { type MigrationSet, UnknownVersionError } from '../migrations/index.ts'
import { type Id, newId } from '../platform/index.ts'
import type { CoreDb, CoreExecutor, CoreTx, Tenancy } from '../tenancy/index.ts'
import { carryOut } from './carry-out.ts'
import { FleetBusyError, RunRefusedError } from './errors.ts'
import { type FleetPlan, planFleet } from './plan.ts'
import type { Watch } from './progress.ts'
import type { RunRecorder } from './recorder.ts'
import {
  findRunning,
  insertRun,
  type Lease,
  leaseRun,
  listRuns,
  type NewRun,
  type RunSummary,
} from './runs/store.ts'
import { type RunSettings, settingsFor, wavesOf } from './settings.ts'
import { type FleetStatus, fleetStatus } from './status.ts'
import type { RunTenantStatus } from './tables.ts'
import { listFleet } from './tenants/store.ts'
import {
  insertRunTenants,
  listRunTenants,
  type RunTenant,
  renewCanary,
  setTurnStatus,
} from './turns/store.ts'
import type { MigrationAction } from './types.ts'

export interface FleetOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly migrations: MigrationSet
  /** This process, for people who ask who carries out a run. */
  readonly holder: string
  /** Most connections that this process may have to tenants of one server. */
  readonly connections: number
  /** Default: none. */
  readonly record?: RunRecorder
}

/** What a run is asked to do. */
export interface RunWish {
  readonly action: MigrationAction
  readonly settings?: Partial<RunSettings>
  /** Only these tenants, whatever is recorded of them. */
  readonly only?: readonly Id[] | undefined
}

/** How a run is watched and paused. */
export interface Conduct {
  readonly signal: AbortSignal
  readonly watch: Watch
}

/** A run with each of its tenants. */
export interface RunReport extends RunSummary {
  readonly tenants: readonly RunTenant[]
}

/** Operations over many tenants. Each is recorded, goes on after a crash or a pause, and can be taken back. */
export interface Fleet {
  /** What a run would do. @throws UnknownTenantError */
  plan(wish: RunWish): Promise<FleetPlan>
  /**
   * Carries out a run over all tenants that need a turn; `undefined` when none does.
   *
   * @throws UnknownTenantError, FleetBusyError, LeaseLostError
   */
  start(wish: RunWish, conduct: Conduct): Promise<RunReport | undefined>
  /** Goes on with a run that was paused, stopped, or whose process died. @throws RunRefusedError, FleetBusyError, LeaseLostError */
  resume(runId: Id, conduct: Conduct): Promise<RunReport>
  /** Like `resume`, and gives those that failed another turn. */
  retry(runId: Id, conduct: Conduct): Promise<RunReport>
  /** Takes back what a run applied, and nothing else, the last tenant first. Throws what `resume` throws. */
  rollback(runId: Id, mayLoseData: boolean, conduct: Conduct): Promise<RunReport>
  /** Newest first. */
  list(): Promise<RunSummary[]>
  /** @throws RunRefusedError when there is no such run */
  show(runId: Id): Promise<RunReport>
  /** Where the fleet stands, in one query. */
  status(): Promise<FleetStatus>
}

export function createFleet(options: FleetOptions): Fleet {
  const { core, migrations } = options
  const plan = async ({ action, only }: RunWish) => {
    assertKnown(action, migrations)
    return planFleet(await listFleet(core), migrations, action, only)
  }

  async function conductRun(run: NewRun, lease: Lease, conduct: Conduct): Promise<RunReport> {
    const planMore = run.settings.isWhole ? () => plan(run) : undefined
    await carryOut({ ...options, ...conduct, run, ...(planMore && { planMore }) }, lease)
    return await reportOf(core, run.id)
  }

  async function beginRun(prepare: Prepare, conduct: Conduct): Promise<RunReport> {
    const { run, tenantIds, lease } = await recordRun(options, prepare)
    conduct.watch({ kind: 'planned', runId: run.id, tenants: tenantIds.length, upToDate: run.upToDate })
    return await conductRun(run, lease, conduct)
  }

  async function takeUp(runId: Id, statuses: RunTenantStatus[], conduct: Conduct): Promise<RunReport> {
    const { run, tenants } = await reportOf(core, runId)
    assertKnown(run.action, migrations)
    const planned = tenants.filter(({ status }) => statuses.includes(status)).length
    if (planned === 0 && (run.status === 'finished' || statuses.includes('failed')))
      throw new RunRefusedError(`Run ${runId} has no tenant that is ${statuses.join(' or ')}.`)
    const lease = await leaseAgain(options, run, statuses)
    conduct.watch({ kind: 'planned', runId, tenants: planned, upToDate: run.upToDate })
    return await conductRun(run, lease, conduct)
  }

  return {
    plan,
    start: async (wish, conduct) => {
      const { tenants, upToDate } = await plan(wish)
      if (tenants.length === 0) return undefined
      const { action, only } = wish
      const isWhole = only === undefined && action.direction === 'up'
      const settings = settingsFor(tenants.length, { isWhole, ...(only && { canary: 0 }), ...wish.settings })
      const run: NewRun = { id: newId(), kind: action.direction, action, settings, upToDate }
      return await beginRun(async () => ({ run, tenantIds: idsOf(tenants) }), conduct)
    },
    resume: (runId, conduct) => takeUp(runId, ['pending', 'running'], conduct),
    retry: (runId, conduct) => takeUp(runId, ['pending', 'running', 'failed', 'left'], conduct),
    rollback: (runId, mayLoseData, conduct) =>
      beginRun(async (tx) => rollbackOf(await reportOf(tx, runId), mayLoseData), conduct),
    list: () => listRuns(core),
    show: (runId) => reportOf(core, runId),
    status: () => fleetStatus(core, migrations),
  }
}

/** What a run is and whom it is for, found out when no other can go on any more: also none that fell asleep. */
type Prepare = (tx: CoreTx) => Promise<{ readonly run: NewRun; readonly tenantIds: readonly Id[] }>

async function recordRun({ core, holder, record }: FleetOptions, prepare: Prepare) {
  return await core.transaction(async (tx) => {
    await refuseSecond(tx)
    const { run, tenantIds } = await prepare(tx)
    const lease = { runId: run.id, token: newId() }
    const waves = wavesOf(tenantIds.length, run.settings)
    const turns = tenantIds.map((tenantId, position) => ({ tenantId, position, wave: waves[position] ?? 0 }))
    await insertRun(tx, run, holder, lease.token)
    await insertRunTenants(tx, run.id, turns)
    await record?.started(tx, run)
    return { run, tenantIds, lease }
  })
}

/** @throws RunRefusedError when there is no such run */
async function reportOf(core: CoreExecutor, runId: Id): Promise<RunReport> {
  const [summary] = await listRuns(core, { id: runId })
  if (!summary) throw new RunRefusedError(`There is no run ${runId}.`)
  return { ...summary, tenants: await listRunTenants(core, runId) }
}

/** Takes a run over, with another turn for the tenants of these statuses. */
async function leaseAgain(
  { core, holder, record }: FleetOptions,
  { id: runId, kind, settings }: NewRun,
  statuses: RunTenantStatus[],
): Promise<Lease> {
  const lease = { runId, token: newId() }
  await core.transaction(async (tx) => {
    await refuseSecond(tx)
    await leaseRun(tx, lease, holder)
    await setTurnStatus(tx, runId, statuses, 'pending')
    await renewCanary(tx, runId, settings.canary)
    await record?.started(tx, { id: runId, kind })
  })
  return lease
}

async function refuseSecond(tx: CoreTx): Promise<void> {
  const running = await findRunning(tx)
  if (running) throw new FleetBusyError(running)
}

/** Whatever a run has begun may have been applied; the ledgers know it exactly. No failure stops the way back. */
function rollbackOf({ run, tenants }: RunReport, mayLoseData: boolean): { run: NewRun; tenantIds: Id[] } {
  if (run.kind !== 'up') throw new RunRefusedError(`Run ${run.id} applied nothing that could be taken back.`)
  const begun = tenants.filter(({ attempts }) => attempts > 0).toReversed()
  if (begun.length === 0) throw new RunRefusedError(`Run ${run.id} has begun with no tenant.`)
  const abortAfter = { count: begun.length + 1 }
  return {
    run: {
      id: newId(),
      kind: 'rollback',
      action: { direction: 'down', ofRun: run.id, mayLoseData },
      settings: { ...run.settings, canary: 0, isWhole: false, abortAfter },
      upToDate: tenants.length - begun.length,
    },
    tenantIds: begun.map(({ tenantId }) => tenantId),
  }
}

/** @throws UnknownVersionError when the files that are meant are not here */
function assertKnown(action: MigrationAction, { files }: MigrationSet): void {
  const to = 'to' in action ? action.to : undefined
  if (to !== undefined && !files.some(({ version }) => version === to)) throw new UnknownVersionError(to)
}

function idsOf(tenants: readonly { id: Id }[]): Id[] {
  return tenants.map(({ id }) => id)
}
