import type { Statement } from './sql-statements.ts'

/** Which part of a file runs. */
export type Direction = 'up' | 'down'

/** One part of a file, as it stands in it. */
export interface Section {
  /** The text after the marker line, unchanged: what the server gets. */
  readonly sql: string
  /** `false` when the marker says `transaction:false`. */
  readonly transaction: boolean
  /** Where `sql` begins in the file's text, in UTF-16 units. */
  readonly offset: number
  /** The line of the file, from 1, on which `sql` begins. */
  readonly line: number
  /** The statements of `sql`, in order, at least one. */
  readonly statements: readonly Statement[]
}

/** One migration file. */
export interface Migration {
  /** `YYYYMMDDHHMMSS`, UTC; also the order. */
  readonly version: string
  readonly name: string
  readonly fileName: string
  /** The file with line endings normalised to LF and without a byte order mark. */
  readonly text: string
  /** SHA-256 of `text`, hexadecimal. */
  readonly checksum: string
  readonly up: Section
  /** Absent when the file has no way back. */
  readonly down?: Section
}

/** The files of one directory, oldest first. */
export interface MigrationSet {
  readonly files: readonly Migration[]
  /** The newest file's version; absent in an empty set. */
  readonly latest: string | undefined
  /**
   * SHA-256 over names and checksums of all files in order: the same for the same schema, so it can name a
   * template.
   */
  readonly checksum: string
}

/** What a printed file needs of one part. */
export interface PrintedSection {
  readonly sql: string
  /** Default true. */
  readonly transaction?: boolean
}

/**
 * Writes a migration file's text, the inverse of parsing: what is parsed from it prints to the same text.
 *
 * @see https://github.com/amacneil/dbmate#creating-migrations
 */
export function printMigration(parts: { up: PrintedSection; down?: PrintedSection | undefined }): string {
  const up = printSection('up', parts.up)
  return parts.down ? `${up}\n${printSection('down', parts.down)}` : up
}

function printSection(direction: Direction, { sql, transaction = true }: PrintedSection): string {
  return `-- migrate:${direction}${transaction ? '' : ' transaction:false'}\n${sql.trim()}\n`
}
