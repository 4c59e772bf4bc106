import type { AppliedMigration } from './applied.ts'
import { UnknownVersionError } from './errors.ts'
import type { LedgerEntry } from './ledger.ts'
import type { Migration, MigrationSet } from './migration.ts'

/** Which applied files to take back: at most one of the four. Default: the newest one. */
export interface DownTarget {
  /** The newest ones by version; more than there are takes back all. */
  readonly steps?: number | undefined
  /** Everything newer than this version, which stays. */
  readonly to?: string | undefined
  /** Exactly these, as far as they are applied: for what one run has applied, perhaps out of order. */
  readonly versions?: readonly string[] | undefined
  /** Those that this run over many databases has applied. */
  readonly ofRun?: string | undefined
}

/**
 * The files that are to be applied, oldest first.
 *
 * @param to the last version to apply; default the newest
 * @throws UnknownVersionError when no file has version `to`
 */
export function planUp(
  set: MigrationSet,
  entries: readonly LedgerEntry[],
  to: string | undefined,
): Migration[] {
  if (to !== undefined) assertKnown(set, to)
  const applied = new Set(entries.filter(isApplied).map(({ version }) => version))
  return set.files.filter(({ version }) => !applied.has(version) && (to === undefined || version <= to))
}

/**
 * The files that are to be taken back, newest version first. One that was only started is among them: its
 * down part is the way out of a file that cannot be finished.
 *
 * @throws UnknownVersionError when no file has version `to` or one of `versions`
 * @throws RangeError when `steps` is below 1 or more than one of the four is given
 */
export function planDown(
  set: MigrationSet,
  entries: readonly LedgerEntry[],
  target: DownTarget,
): Migration[] {
  const entered = new Set(entries.map(({ version }) => version))
  const newestFirst = set.files.filter(({ version }) => entered.has(version)).reverse()
  const { to, versions, steps, ofRun } = target
  if ([to, versions, steps, ofRun].filter((one) => one !== undefined).length > 1) {
    throw new RangeError('give one of steps, to, versions and ofRun')
  }
  for (const version of versions ?? [to ?? []].flat()) assertKnown(set, version)
  if (to !== undefined) return newestFirst.filter(({ version }) => version > to)
  if (versions) return newestFirst.filter(({ version }) => versions.includes(version))
  if (ofRun !== undefined) {
    const its = new Set(entries.filter((entry) => entry.run_id === ofRun).map(({ version }) => version))
    return newestFirst.filter(({ version }) => its.has(version))
  }
  if (steps !== undefined && !(steps >= 1)) throw new RangeError(`steps must be 1 or more, not ${steps}`)
  return newestFirst.slice(0, steps ?? 1)
}

/**
 * The files that a target takes back from a database that holds `applied`, newest version first: for a word of what is
 * lost before it is. Throws what `planDown` throws.
 */
export function filesToRevert(
  set: MigrationSet,
  applied: readonly Pick<AppliedMigration, 'version' | 'checksum'>[],
  target: DownTarget,
): readonly Migration[] {
  const entries = applied.map(
    ({ version, checksum }): LedgerEntry => ({
      version,
      checksum,
      name: '',
      state: 'applied',
      applied_at: new Date(0),
      run_id: null,
    }),
  )
  return planDown(set, entries, target)
}

/** The newest version that is applied. */
export function newestApplied(entries: readonly LedgerEntry[]): string | undefined {
  return entries.findLast(isApplied)?.version
}

function isApplied({ state }: LedgerEntry): boolean {
  return state === 'applied'
}

function assertKnown({ files }: MigrationSet, version: string): void {
  if (!files.some((file) => file.version === version)) throw new UnknownVersionError(version)
}
