import type { MigrationSet } from '../migrations/index.ts'
import { messageOf } from '../platform/index.ts'
import type { CoreDb, Tenancy } from '../tenancy/index.ts'
import { CoreAwayError } from './errors.ts'
import type { HeldLease } from './lease.ts'
import { patiently } from './patience.ts'
import { isQuarantined } from './plan.ts'
import { inPool } from './pool.ts'
import type { Watch } from './progress.ts'
import type { Run } from './runs/store.ts'
import { failuresToStop } from './settings.ts'
import { takeTurn } from './turn.ts'
import { beginTurn, type RunTenant, recordTurn, type Turn } from './turns/store.ts'

export interface TurnsOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly migrations: MigrationSet
  readonly held: HeldLease
  readonly run: Pick<Run, 'id' | 'action' | 'settings'>
  /** Pauses the run: those that have begun end, no other begins. */
  readonly signal: AbortSignal
  readonly watch: Watch
  /** Most connections that this process may have to tenants of one server. */
  readonly connections: number
}

/** Why turns ended before all were taken; `undefined` where all were. */
export type Halt = { readonly status: 'paused' | 'stopped'; readonly reason: string } | undefined

/**
 * Gives tenants their turns, wave by wave: the next begins when all of one have ended. Whatever happens to a tenant is
 * recorded and keeps nobody else of its wave waiting, until so many have failed that the files must be to blame.
 *
 * @param planned how many tenants the whole run has
 * @throws LeaseLostError, or what the core database answers
 */
export async function runTurns(
  options: TurnsOptions,
  tenants: readonly RunTenant[],
  planned: number,
): Promise<Halt> {
  const { run, held, signal, watch } = options
  const limit = failuresToStop(planned, run.settings)
  let failures = 0
  const isStopped = () => signal.aborted || held.isLost || failures >= limit
  const waves = byWave(tenants)
  for (let next = waves.shift(); next; next = waves.shift()) {
    const [wave, members] = next
    let isShown = false
    watch({ kind: 'wave', wave, tenants: members.length })
    const { concurrency } = run.settings
    const perKey = Math.min(run.settings.perServer, options.connections)
    const pool = { concurrency, perKey, keyOf: ({ serverId }: RunTenant) => serverId, isStopped }
    await inPool(members, pool, async (tenant) => {
      const { status } = await oneTurn({ ...options, isStopped }, tenant)
      if (status === 'failed' && !isQuarantined(tenant)) failures++
      if (status === 'done') isShown = true
    })
    held.assertHeld(!held.isLost)
    if (failures >= limit) return { status: 'stopped', reason: `${failures} tenants failed` }
    if (signal.aborted) return { status: 'paused', reason: 'interrupted' }
    if (wave === 0 && failures > 0) return { status: 'stopped', reason: 'the canary failed' }
    // A canary that was left alone has shown nothing of the files.
    if (wave === 0 && !isShown) sendAnotherCanary(waves, run.settings.canary)
  }
  return undefined
}

async function oneTurn(
  { core, tenancy, migrations, held, run, watch, isStopped }: TurnsOptions & { isStopped: () => boolean },
  tenant: RunTenant,
): Promise<Turn> {
  const { tenantId } = tenant
  const { action } = run
  const guard = async () => held.assertHeld(await askCore(() => beginTurn(core, held.lease, tenantId)))
  const turn = await takeTurn({ tenancy, migrations, action, runId: run.id, guard, isStopped }, tenant)
  held.assertHeld(await askCore(() => recordTurn(core, held.lease, tenantId, turn, action.direction)))
  tenancy.invalidate(tenantId)
  if (turn.status !== 'pending') watch({ kind: 'tenant', tenantId, ...turn })
  return turn
}

/** What was done is recorded even by a run that stops. That the core database is away is no tenant's failure. */
async function askCore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await patiently(work, { isStopped: () => false })
  } catch (error) {
    throw new CoreAwayError(`The core database does not answer: ${messageOf(error)}`)
  }
}

function sendAnotherCanary(waves: [number, RunTenant[]][], canary: number): void {
  const members = waves[0]?.[1].splice(0, canary) ?? []
  if (members.length > 0) waves.unshift([0, members])
}

function byWave(tenants: readonly RunTenant[]): [number, RunTenant[]][] {
  return [...Map.groupBy(tenants, ({ wave }) => wave)].sort(([one], [other]) => one - other)
}
