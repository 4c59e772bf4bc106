import type { Direction } from './migration.ts'

/** Something is wrong in the directory: every problem that was found, one a line, as `file:line: reason`. */
export class MigrationFileError extends Error {
  override readonly name = 'MigrationFileError'
  readonly problems: readonly FileProblem[]

  constructor(problems: readonly FileProblem[]) {
    super(problems.map(({ fileName, line, reason }) => `${fileName}:${line}: ${reason}`).join('\n'))
    this.problems = problems
  }
}

/** One problem of one file; `line` counts from 1. */
export interface FileProblem {
  readonly fileName: string
  readonly line: number
  readonly reason: string
}

/** A version was asked for that no file has. */
export class UnknownVersionError extends Error {
  override readonly name = 'UnknownVersionError'
  readonly version: string

  constructor(version: string) {
    super(`there is no migration file with version ${version}`)
    this.version = version
  }
}

/** Somebody else migrates this database, for longer than we may wait. */
export class MigrationLockedError extends Error {
  override readonly name = 'MigrationLockedError'
  readonly holder: LockHolder | undefined

  constructor(waitedMs: number, holder: LockHolder | undefined) {
    const who = holder ? ` (backend ${holder.pid}, ${holder.applicationName || 'no application name'})` : ''
    super(`another migration runs in this database${who}; waited ${Math.round(waitedMs)} ms for it`)
    this.holder = holder
  }
}

/** Who holds the migration lock, as pg_stat_activity shows it. */
export interface LockHolder {
  readonly pid: number
  readonly applicationName: string
}

/** An applied file was edited. */
export class ChecksumMismatchError extends Error {
  override readonly name = 'ChecksumMismatchError'
  readonly mismatches: readonly ChecksumMismatch[]

  constructor(mismatches: readonly ChecksumMismatch[]) {
    const lines = mismatches.map(
      ({ fileName, applied, found }) =>
        `${fileName} was edited after it was applied: applied ${applied}, found ${found}`,
    )
    super(`${lines.join('\n')}\nPut the file back as it was and write the change as a new migration.`)
    this.mismatches = mismatches
  }
}

/** Both SHA-256 hashes of an edited file, hexadecimal. */
export interface ChecksumMismatch {
  readonly version: string
  readonly fileName: string
  readonly applied: string
  readonly found: string
}

/** The database was migrated by newer code than this. */
export class DatabaseNewerError extends Error {
  override readonly name = 'DatabaseNewerError'
  readonly versions: readonly string[]

  constructor(versions: readonly string[], latest: string | undefined) {
    super(
      `the database is newer than this code: it has ${versions.join(', ')}, ` +
        `and the newest file here is ${latest ?? 'none'}`,
    )
    this.versions = versions
  }
}

/** Applied versions, not newer than the newest file, have no file. */
export class MissingMigrationFileError extends Error {
  override readonly name = 'MissingMigrationFileError'
  readonly versions: readonly string[]

  constructor(versions: readonly string[]) {
    super(`applied in the database, but their files are missing: ${versions.join(', ')}`)
    this.versions = versions
  }
}

/** Files without a down part stand in the way back. */
export class IrreversibleMigrationError extends Error {
  override readonly name = 'IrreversibleMigrationError'
  readonly fileNames: readonly string[]

  constructor(fileNames: readonly string[]) {
    super(`no way back, because there is no down part in ${fileNames.join(', ')}; nothing was changed`)
    this.fileNames = fileNames
  }
}

/** Taking files back would destroy something, and nobody has agreed to that. */
export class DataLossError extends Error {
  override readonly name = 'DataLossError'

  constructor(losses: readonly string[]) {
    super(`this would lose ${losses.join(', ')}, which was not allowed; nothing was changed`)
  }
}

/** Files that came later lie on top of what is to be taken back. */
export class NewerAppliedError extends Error {
  override readonly name = 'NewerAppliedError'
  readonly versions: readonly string[]

  constructor(versions: readonly string[]) {
    super(`newer migrations were applied on top since then: ${versions.join(', ')}; nothing was changed`)
    this.versions = versions
  }
}

/** What is known of the failure of one file. */
export interface MigrationFailure {
  readonly version: string
  readonly fileName: string
  readonly direction: Direction
  /**
   * Line of the file, from 1; absent when the failure belongs to no statement (COMMIT, a lost connection).
   */
  readonly line: number | undefined
  /** The failing statement. */
  readonly statement: string | undefined
  /** Absent when the server did not say, for example because the connection was lost. */
  readonly sqlState: string | undefined
  readonly serverMessage: string
  /** What the server advises. */
  readonly hint: string | undefined
  /** Lines around the place with a caret under it; empty when `line` is absent. */
  readonly excerpt: string
}

/**
 * A file failed. Of a file in a transaction nothing remains, and the files before it stay applied. `message`
 * is ready for a person: place, reason and excerpt. Row values (`detail`) are left out of it and stay in
 * `cause`.
 */
export class MigrationFailedError extends Error {
  override readonly name = 'MigrationFailedError'
  readonly failure: MigrationFailure

  constructor(failure: MigrationFailure, cause: unknown) {
    const place = failure.line === undefined ? failure.fileName : `${failure.fileName}:${failure.line}`
    const code = failure.sqlState === undefined ? '' : ` (SQLSTATE ${failure.sqlState})`
    const hint = failure.hint === undefined ? '' : `hint: ${failure.hint}`
    const lines = [
      `${place}: ${failure.direction} failed: ${failure.serverMessage}${code}`,
      failure.excerpt,
      hint,
    ]
    super(lines.filter((line) => line !== '').join('\n'), { cause })
    this.failure = failure
  }
}
