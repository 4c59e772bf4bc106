import {
  type AppliedMigration,
  checksumOf,
  DataLossError,
  dataLossOf,
  type EngineOptions,
  type Migration,
  type MigrationSet,
  migrateDown,
  migrateUp,
  migrationStatus,
  revertedBy,
} from '../migrations/index.ts'
import type { Connection } from '../platform/index.ts'
import type { Tenancy, TenantRecord } from '../tenancy/index.ts'
import { CoreAwayError, LeaseLostError } from './errors.ts'
import { failureOf, isLeft } from './failure.ts'
import { isPassing, patiently } from './patience.ts'
import type { Turn } from './turns/store.ts'
import type { MigrationAction } from './types.ts'

export interface TurnOptions {
  readonly tenancy: Pick<Tenancy, 'maintain'>
  readonly migrations: MigrationSet
  readonly action: MigrationAction
  /** Absent where a tenant is migrated by itself. */
  readonly runId?: string
  /** @throws LeaseLostError where the run is somebody else's by now, CoreAwayError where that cannot be found out */
  readonly guard: () => Promise<void>
  /** With true the tenant's server is not waited for. */
  readonly isStopped: () => boolean
}

/** Whoever migrates one tenant by hand may be at it for long, and others wait for their turns. */
const LOCK_TIMEOUT_MS = 5_000

/** What a database holds after a visit, and what of that, or of what is gone, is this run's. */
interface Found {
  readonly applied: readonly AppliedMigration[]
  readonly versions: readonly string[]
}

/**
 * Migrates one tenant's database. While its server is away it is tried again: what was done is known there, so nothing is
 * done twice.
 *
 * @throws LeaseLostError, CoreAwayError; before anything was changed
 */
export async function takeTurn(
  options: TurnOptions,
  tenant: Pick<TenantRecord, 'serverId' | 'databaseName'>,
): Promise<Turn> {
  const { tenancy, isStopped } = options
  const start = performance.now()
  let found: Found | undefined
  const end = (turn: Pick<Turn, 'status' | 'failure'>): Turn => ({
    ...turn,
    durationMs: Math.round(performance.now() - start),
    ...(found && { versions: found.versions, schema: schemaOf(found.applied) }),
  })
  const visit = async (connection: Connection): Promise<void> => {
    try {
      await migrate(connection, options)
      found = await look(connection, options)
    } catch (error) {
      // The files before the one that failed are done. Where that cannot be found out, the failure is what counts.
      found = await look(connection, options).catch(() => undefined)
      throw error
    }
  }
  try {
    await patiently(() => tenancy.maintain(tenant, visit), { isStopped })
    return end({ status: 'done' })
  } catch (error) {
    if (error instanceof LeaseLostError || error instanceof CoreAwayError) throw error
    // It was not waited for to the end, so nothing is known against it.
    if (isStopped() && isPassing(error)) return end({ status: 'pending' })
    const failure = failureOf(error)
    return end({ status: isLeft(failure) ? 'left' : 'failed', failure })
  }
}

async function migrate(connection: Connection, options: TurnOptions): Promise<void> {
  const { migrations, action, runId, guard } = options
  const engine: EngineOptions = { runId, guard, lockTimeoutMs: LOCK_TIMEOUT_MS }
  if (action.direction === 'up') {
    await migrateUp(connection, migrations, { ...engine, to: action.to })
    return
  }
  const { direction: _, mayLoseData, ...target } = action
  const agree = mayLoseData ? () => undefined : refuseLoss
  if (!('steps' in target)) {
    await migrateDown(connection, migrations, { ...engine, ...target, agree })
    return
  }
  // Counted from what this run has taken back already, before a crash or a lost answer.
  const steps = target.steps - (await revertedHere(connection, runId)).length
  if (steps > 0) await migrateDown(connection, migrations, { ...engine, steps, agree })
}

/** Asked behind the lock: what is recorded elsewhere of this database may be old. */
function refuseLoss(plan: readonly Migration[]): void {
  const losses = plan.flatMap(({ down }) => (down ? dataLossOf(down) : []))
  if (losses.length > 0) throw new DataLossError(losses.map(({ what }) => what))
}

async function look(connection: Connection, { migrations, action, runId }: TurnOptions): Promise<Found> {
  const { applied } = await migrationStatus(connection, migrations)
  const versions =
    action.direction === 'up'
      ? applied.filter((one) => one.runId === runId).map(({ version }) => version)
      : await revertedHere(connection, runId)
  return { applied, versions }
}

async function revertedHere(connection: Connection, runId: string | undefined): Promise<readonly string[]> {
  return runId === undefined ? [] : await revertedBy(connection, runId)
}

function schemaOf(applied: Found['applied']): NonNullable<Turn['schema']> {
  return {
    schemaVersion: applied.at(-1)?.version ?? null,
    migrationsApplied: applied.length,
    schemaChecksum: checksumOf(applied),
  }
}
