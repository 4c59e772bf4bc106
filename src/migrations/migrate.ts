import type { Connection } from '../platform/index.ts'
import { type AppliedMigration, appliedOf } from './applied.ts'
import { IrreversibleMigrationError, NewerAppliedError } from './errors.ts'
import type { LedgerEntry } from './ledger.ts'
import { withMigrationLock } from './lock.ts'
import type { Migration, MigrationSet } from './migration.ts'
import { type EngineOptions, settingsOf } from './options.ts'
import { type DownTarget, newestApplied, planDown, planUp } from './plan.ts'
import { type MigrationRun, runPlan } from './run-plan.ts'
import { assertConsistent } from './verify.ts'

/** What one call has done to one database. */
export interface MigrationResult {
  /** Applied or taken back, in the order in which that happened; empty when there was nothing to do. */
  readonly changed: readonly MigrationRun[]
  /** The newest applied version now; `undefined` when none is applied. */
  readonly version: string | undefined
  /** Sentences for a person, on files that were applied out of order. */
  readonly notices: readonly string[]
  /** What the ledger holds as applied now, oldest version first. */
  readonly applied: readonly AppliedMigration[]
}

export interface UpOptions extends EngineOptions {
  /** The last version to apply. Default: the newest. */
  readonly to?: string | undefined
}

export interface DownOptions extends EngineOptions, DownTarget {
  /** Sees, behind the lock, what would be taken back; what it throws ends the call. Default: agrees. */
  readonly agree?: ((plan: readonly Migration[]) => void) | undefined
}

/**
 * Applies the pending files, oldest first, each in its own transaction unless it says otherwise. A file older
 * than the newest applied one is applied too, with a notice. Safe to call at the same time from anywhere:
 * each file runs once. Costs two round trips when there is nothing to do, and one for each file after the
 * first.
 *
 * @param connection outside of a transaction; it must be this call's alone, with no pooler in transaction
 *   mode between. What was SET on it is reset after each file
 * @throws MigrationLockedError, DatabaseNewerError, MissingMigrationFileError, ChecksumMismatchError or
 *   UnknownVersionError before anything runs
 * @throws MigrationFailedError when a file fails; the files before it stay applied
 */
export async function migrateUp(
  connection: Connection,
  set: MigrationSet,
  options: UpOptions = {},
): Promise<MigrationResult> {
  const settings = settingsOf(options)
  return withMigrationLock(connection, settings, async (lock) => {
    assertConsistent(set, lock.entries)
    const plan = planUp(set, lock.entries, options.to)
    await settings.guard()
    const notices = outOfOrderNotices(plan, lock.entries)
    for (const message of notices) settings.log({ kind: 'notice', message })
    const changed = await runPlan({ connection, lock, settings, direction: 'up' }, plan)
    const mine = new Set(changed.map(({ version }) => version))
    const added = plan.map(({ version, checksum }) => {
      const runId = mine.has(version) ? settings.runId : undefined
      return { version, checksum, runId }
    })
    const applied = [...appliedOf(lock.entries), ...added].sort(byVersion)
    return { changed, notices, applied, version: applied.at(-1)?.version }
  })
}

/**
 * Takes applied files back, newest version first, each in its own transaction unless it says otherwise.
 * Default: one.
 *
 * @param connection as for `migrateUp`
 * @throws IrreversibleMigrationError when one of them has no down part, NewerAppliedError when others lie on top of a
 *   run's, and what `migrateUp` throws, before anything runs
 * @throws MigrationFailedError when a file fails; what was taken back before it stays so
 */
export async function migrateDown(
  connection: Connection,
  set: MigrationSet,
  options: DownOptions = {},
): Promise<MigrationResult> {
  const settings = settingsOf(options)
  return withMigrationLock(connection, settings, async (lock) => {
    assertConsistent(set, lock.entries)
    const plan = planDown(set, lock.entries, options)
    const stuck = plan.filter(({ down }) => down === undefined)
    if (stuck.length > 0) throw new IrreversibleMigrationError(stuck.map(({ fileName }) => fileName))
    assertOnTop(plan, lock.entries, options)
    options.agree?.(plan)
    await settings.guard()
    const changed = await runPlan({ connection, lock, settings, direction: 'down' }, plan)
    const gone = new Set(plan.map(({ version }) => version))
    const applied = appliedOf(lock.entries).filter(({ version }) => !gone.has(version))
    return { changed, notices: [], applied, version: applied.at(-1)?.version }
  })
}

/** What a run applied may be what later files stand on. */
function assertOnTop(
  plan: readonly Migration[],
  entries: readonly LedgerEntry[],
  { ofRun }: DownTarget,
): void {
  const oldest = plan.at(-1)?.version
  if (ofRun === undefined || oldest === undefined) return
  const onTop = entries.filter(({ version, run_id }) => version > oldest && run_id !== ofRun)
  if (onTop.length > 0) throw new NewerAppliedError(onTop.map(({ version }) => version))
}

function byVersion(one: AppliedMigration, other: AppliedMigration): number {
  return one.version < other.version ? -1 : 1
}

function outOfOrderNotices(plan: readonly Migration[], entries: readonly LedgerEntry[]): string[] {
  const newest = newestApplied(entries)
  if (newest === undefined) return []
  return plan
    .filter(({ version }) => version < newest)
    .map(
      ({ fileName }) => `${fileName} is older than ${newest}, which is applied already: applied out of order`,
    )
}
