import {
  checksumOf,
  type EngineOptions,
  type MigrationResult,
  type MigrationSet,
  migrateDown,
  migrateUp,
  migrationStatus,
} from '../migrations/index.ts'
import type { Connection } from '../platform/index.ts'
import type { Tenancy, TenantRecord } from '../tenancy/index.ts'
import { LeaseLostError } from './errors.ts'
import { failureOf, isLeft } from './failure.ts'
import { patiently } from './patience.ts'
import type { Turn } from './store.ts'
import type { MigrationAction } from './types.ts'

export interface TurnOptions {
  readonly tenancy: Tenancy
  readonly migrations: MigrationSet
  readonly action: MigrationAction
  readonly runId: string
  /** Throws LeaseLostError where the run is somebody else's by now. */
  readonly guard: () => Promise<void>
}

/** Whoever migrates one tenant by hand may be at it for long, and others wait for their turns. */
const LOCK_TIMEOUT_MS = 5_000

/** What one visit left a database at. */
type Applied = MigrationResult['applied']

/**
 * Migrates one tenant's database. While its server is away it is tried again, which does nothing twice.
 *
 * @param isStopped with true it is not tried again
 * @throws LeaseLostError; before anything was changed
 */
export async function takeTurn(
  options: TurnOptions,
  tenant: Pick<TenantRecord, 'serverId' | 'databaseName'>,
  isStopped: () => boolean,
): Promise<Turn> {
  const { tenancy, action, runId } = options
  const start = performance.now()
  const durationMs = () => Math.round(performance.now() - start)
  let applied: Applied | undefined
  const visit = async (connection: Connection): Promise<MigrationResult> => {
    try {
      return await migrate(connection, options)
    } catch (error) {
      // The files before the one that failed are applied. Where that cannot be found out, the failure is what counts.
      applied = await readApplied(connection, options.migrations).catch(() => undefined)
      throw error
    }
  }
  try {
    const result = await patiently(() => tenancy.maintain(tenant, visit), { isStopped })
    const versions =
      action.direction === 'up' ? byRun(result.applied, runId) : result.changed.map(({ version }) => version)
    return { status: 'done', versions, durationMs: durationMs(), schema: schemaOf(result.applied) }
  } catch (error) {
    if (error instanceof LeaseLostError) throw error
    const failure = failureOf(error)
    return {
      status: isLeft(failure) ? 'left' : 'failed',
      versions: action.direction === 'up' ? byRun(applied ?? [], runId) : [],
      durationMs: durationMs(),
      failure,
      ...(applied && { schema: schemaOf(applied) }),
    }
  }
}

async function migrate(
  connection: Connection,
  { migrations, action, runId, guard }: TurnOptions,
): Promise<MigrationResult> {
  const engine: EngineOptions = { runId, guard, lockTimeoutMs: LOCK_TIMEOUT_MS }
  if (action.direction === 'up') return await migrateUp(connection, migrations, { ...engine, to: action.to })
  const { direction: _, ...target } = action
  return await migrateDown(connection, migrations, { ...engine, ...target })
}

async function readApplied(connection: Connection, migrations: MigrationSet): Promise<Applied> {
  return (await migrationStatus(connection, migrations)).applied
}

function byRun(applied: Applied, runId: string): string[] {
  return applied.filter((one) => one.runId === runId).map(({ version }) => version)
}

function schemaOf(applied: Applied): Required<NonNullable<Turn['schema']>> {
  return {
    schemaVersion: applied.at(-1)?.version ?? null,
    migrationsApplied: applied.length,
    schemaChecksum: checksumOf(applied),
  }
}
