import { IrreversibleMigrationError } from './errors.ts'
import type { FileRun } from './file-run.ts'
import type { LedgerEntry } from './ledger.ts'
import type { Migration } from './migration.ts'
import { runAlone } from './run-alone.ts'
import { runInTransaction } from './run-in-transaction.ts'

/** One file that this call has run. */
export interface MigrationRun {
  readonly version: string
  readonly name: string
  readonly durationMs: number
}

/** What all files of one call share. */
type PlanContext = Pick<FileRun, 'connection' | 'lock' | 'settings' | 'direction'>

/**
 * Runs the files one after another.
 *
 * @returns those that this call has run
 * @throws MigrationFailedError at the first that fails
 */
export async function runPlan(context: PlanContext, plan: readonly Migration[]): Promise<MigrationRun[]> {
  const states = new Map(context.lock.entries.map(({ version, state }) => [version, state]))
  const changed: MigrationRun[] = []
  for (const migration of plan) {
    const { version, name } = migration
    const durationMs = await runFile(context, migration, migration === plan.at(-1), states.get(version))
    // Undefined: another engine that could not see our lock was faster with this file.
    if (durationMs !== undefined) changed.push({ version, name, durationMs })
  }
  return changed
}

async function runFile(
  context: PlanContext,
  migration: Migration,
  isLast: boolean,
  state: LedgerEntry['state'] | undefined,
): Promise<number | undefined> {
  const { direction, settings } = context
  const { version, fileName } = migration
  const section = migration[direction]
  if (!section) throw new IrreversibleMigrationError([fileName])
  const run: FileRun = { ...context, migration, section, isLast }
  const durationMs = section.transaction ? await runInTransaction(run) : await runAlone(run, state)
  if (durationMs !== undefined) {
    const [kind, done] =
      direction === 'up' ? (['applied', 'applied'] as const) : (['reverted', 'taken back'] as const)
    settings.log({ kind, version, message: `${fileName}: ${done} in ${durationMs} ms` })
  }
  return durationMs
}
