import { ChecksumMismatchError, DatabaseNewerError, MissingMigrationFileError } from './errors.ts'
import type { LedgerEntry } from './ledger.ts'
import type { Migration, MigrationSet } from './migration.ts'

/** The files of a set by their version. */
export function filesByVersion({ files }: MigrationSet): ReadonlyMap<string, Migration> {
  return new Map(files.map((file) => [file.version, file]))
}

/**
 * Says whether an applied file was edited. One that was only started may be: the fix is what one wants to
 * run.
 */
export function isEdited(entry: LedgerEntry, file: Migration): boolean {
  return entry.state === 'applied' && entry.checksum !== file.checksum
}

/**
 * Compares what is applied with the files, before anything runs.
 *
 * @throws DatabaseNewerError when the database has versions newer than every file: this code is older than it
 * @throws MissingMigrationFileError when the file of an older version is gone: its way back is gone too, and
 *   a fresh database would come out different, so this is refused and not only reported
 * @throws ChecksumMismatchError when an applied file was edited
 */
export function assertConsistent(set: MigrationSet, entries: readonly LedgerEntry[]): void {
  const files = filesByVersion(set)
  const missing = entries.map(({ version }) => version).filter((version) => !files.has(version))
  const newer = missing.filter((version) => set.latest === undefined || version > set.latest)
  if (newer.length > 0) throw new DatabaseNewerError(newer, set.latest)
  if (missing.length > 0) throw new MissingMigrationFileError(missing)

  const mismatches = entries.flatMap((entry) => {
    const file = files.get(entry.version)
    if (!file || !isEdited(entry, file)) return []
    const { version, fileName, checksum: found } = file
    return [{ version, fileName, applied: entry.checksum, found }]
  })
  if (mismatches.length > 0) throw new ChecksumMismatchError(mismatches)
}
