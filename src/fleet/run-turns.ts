import type { MigrationSet } from '../migrations/index.ts'
import type { CoreDb, Tenancy } from '../tenancy/index.ts'
import type { HeldLease } from './lease.ts'
import { patiently } from './patience.ts'
import { isQuarantined } from './plan.ts'
import { inPool } from './pool.ts'
import type { Watch } from './progress.ts'
import { failuresToStop } from './settings.ts'
import { beginTurn, type Run, type RunTenant, recordTurn, type Turn } from './store.ts'
import { takeTurn } from './turn.ts'

export interface TurnsOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly migrations: MigrationSet
  readonly held: HeldLease
  readonly run: Pick<Run, 'id' | 'action' | 'settings'>
  /** Pauses the run: those that have begun end, no other begins. */
  readonly signal: AbortSignal
  readonly watch: Watch
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
  for (const [wave, members] of byWave(tenants)) {
    watch({ kind: 'wave', wave, tenants: members.length })
    const { concurrency, perServer: perKey } = run.settings
    const pool = { concurrency, perKey, keyOf: ({ serverId }: RunTenant) => serverId, isStopped }
    await inPool(members, pool, async (tenant) => {
      const { status } = await oneTurn(options, tenant, isStopped)
      if (status === 'failed' && !isQuarantined(tenant)) failures++
    })
    held.assertHeld(!held.isLost)
    if (failures >= limit) return { status: 'stopped', reason: `${failures} tenants failed` }
    if (signal.aborted) return { status: 'paused', reason: 'interrupted' }
    if (wave === 0 && failures > 0) return { status: 'stopped', reason: 'the canary failed' }
  }
  return undefined
}

async function oneTurn(
  { core, tenancy, migrations, held, run, watch }: TurnsOptions,
  tenant: RunTenant,
  isStopped: () => boolean,
): Promise<Turn> {
  const { tenantId } = tenant
  const guard = async () => held.assertHeld(await beginTurn(core, held.lease, tenantId))
  const options = { tenancy, migrations, action: run.action, runId: run.id, guard }
  const turn = await takeTurn(options, tenant, isStopped)
  held.assertHeld(await patiently(() => recordTurn(core, held.lease, tenantId, turn), { isStopped: never }))
  tenancy.invalidate(tenantId)
  watch({ kind: 'tenant', tenantId, ...turn })
  return turn
}

function byWave(tenants: readonly RunTenant[]): [number, RunTenant[]][] {
  return [...Map.groupBy(tenants, ({ wave }) => wave)].sort(([one], [other]) => one - other)
}

/** What was done is recorded even by a run that stops. */
function never(): boolean {
  return false
}
