import { createHash } from 'node:crypto'
import type { LedgerEntry } from './ledger.ts'
import type { MigrationSet } from './migration.ts'

/** One file that a database holds. */
export interface AppliedMigration {
  readonly version: string
  /** SHA-256 of its text, hexadecimal. */
  readonly checksum: string
  /** The run over many databases that applied it; `undefined` when it was none, or another call at the same moment. */
  readonly runId: string | undefined
}

/** What a ledger holds as applied, oldest version first. */
export function appliedOf(entries: readonly LedgerEntry[]): AppliedMigration[] {
  return entries
    .filter(({ state }) => state === 'applied')
    .map(({ version, checksum, run_id }) => ({ version, checksum, runId: run_id ?? undefined }))
}

/** One checksum for all that a database holds: SHA-256 over versions and checksums, hexadecimal. */
export function checksumOf(applied: readonly Pick<AppliedMigration, 'version' | 'checksum'>[]): string {
  const hash = createHash('sha256')
  for (const { version, checksum } of applied) hash.update(`${version}:${checksum}\n`)
  return hash.digest('hex')
}

/** What `checksumOf` gives for a database that holds every file up to `version`, as the files are now. */
export function checksumUpTo({ files }: MigrationSet, version: string): string {
  return checksumOf(files.filter((file) => file.version <= version))
}
