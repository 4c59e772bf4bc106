import type { MigrationSet } from '../migrations/index.ts'
import type { CoreDb, Tenancy } from '../tenancy/index.ts'
import { HeldLease } from './lease.ts'
import { patiently } from './patience.ts'
import type { FleetPlan } from './plan.ts'
import type { Watch } from './progress.ts'
import type { RunRecorder } from './recorder.ts'
import { type Halt, runTurns } from './run-turns.ts'
import { endRun, isRunning, type Lease, type NewRun } from './runs/store.ts'
import { insertRunTenants, listRunTenants, type RunTenant } from './turns/store.ts'

export interface CarryOutOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly migrations: MigrationSet
  readonly run: Pick<NewRun, 'id' | 'action' | 'settings'>
  readonly signal: AbortSignal
  readonly watch: Watch
  readonly connections: number
  readonly record?: RunRecorder
  /** Finds tenants that need a turn by now: organizations are born while a run goes on. Default: none. */
  readonly planMore?: () => Promise<FleetPlan>
}

/**
 * Carries a leased run as far as it goes, and records where it ended.
 *
 * @throws LeaseLostError when another process took it over; what the core database answers otherwise, and then the lease
 *   runs out and the run can be resumed
 */
export async function carryOut(options: CarryOutOptions, lease: Lease): Promise<void> {
  const held = new HeldLease(options.core, lease)
  try {
    const halt = await untilNoneIsLeft(options, held)
    const end = halt ?? { status: 'finished' as const, reason: null }
    held.assertHeld(await patiently(() => endOnce(options, lease, end), { isStopped: () => held.isLost }))
  } finally {
    held.release()
  }
}

/** Told twice, because an answer was lost, it is recorded once. */
async function endOnce(
  { core, record }: CarryOutOptions,
  lease: Lease,
  end: Parameters<typeof endRun>[2],
): Promise<boolean> {
  return await core.transaction(async (tx) => {
    const isFirst = await isRunning(tx, lease.runId)
    const isEnded = await endRun(tx, lease, end)
    if (isFirst && isEnded) await record?.ended(tx, { id: lease.runId, status: end.status })
    return isEnded
  })
}

async function untilNoneIsLeft(options: CarryOutOptions, held: HeldLease): Promise<Halt> {
  const { core, run } = options
  for (;;) {
    const all = await listRunTenants(core, run.id)
    const pending = all.filter(isUnfinished)
    if (pending.length > 0) {
      const halt = await runTurns({ ...options, held }, pending, all.length)
      if (halt) return (await hasPending(options)) ? halt : undefined
      // Looked at once more: a core database that died may have lost what became of some.
    } else if (!(await addNewcomers(options, all))) return undefined
  }
}

/** A run that was told to pause during its last turns has none to go on with. */
async function hasPending({ core, run }: CarryOutOptions): Promise<boolean> {
  return (await listRunTenants(core, run.id)).some(isUnfinished)
}

function isUnfinished({ status }: RunTenant): boolean {
  return status === 'pending' || status === 'running'
}

/** A tenant has one turn in a run, however it ended. */
async function addNewcomers(
  { core, run, planMore }: CarryOutOptions,
  known: Awaited<ReturnType<typeof listRunTenants>>,
): Promise<boolean> {
  if (!planMore) return false
  const ids = new Set(known.map(({ tenantId }) => tenantId))
  const newcomers = (await planMore()).tenants.filter(({ id }) => !ids.has(id))
  const wave = 1 + Math.max(0, ...known.map((one) => one.wave))
  const turns = newcomers.map(({ id }, index) => ({ tenantId: id, wave, position: known.length + index }))
  if (turns.length > 0) await insertRunTenants(core, run.id, turns)
  return turns.length > 0
}
