import pg from 'pg'
import { postgresError } from '../platform/index.ts'
import type { BatchError } from './batch.ts'
import { MigrationFailedError } from './errors.ts'
import type { FileRun } from './file-run.ts'
import type { Section } from './migration.ts'
import { excerptAt, lineAt, offsetOfPosition } from './text-position.ts'

/** What a batch holds before the file's SQL. */
export interface BatchPrefix {
  readonly text: string
  readonly statements: number
}

/** The file's SQL is all that was sent. */
export const NO_PREFIX: BatchPrefix = { text: '', statements: 0 }

/**
 * Turns what the driver reported of a batch into what a person needs to find the place in the file.
 *
 * @param prefix what the server got before the file's SQL; `undefined` when the batch held none of it
 */
export function describeFailure(
  { migration, direction, section }: FileRun,
  prefix: BatchPrefix | undefined,
  error: BatchError,
): MigrationFailedError {
  const { version, fileName, text } = migration
  const reported = postgresError(error)
  const place = prefix && placeOf(section, prefix, error, reported?.position)
  const offset = place && section.offset + place.offset
  return new MigrationFailedError(
    {
      version,
      fileName,
      direction,
      line: offset === undefined ? undefined : lineAt(text, offset),
      statement: place?.statement,
      sqlState: reported?.code,
      serverMessage: reported?.message ?? error.message,
      hint: reported instanceof pg.DatabaseError ? reported.hint : undefined,
      excerpt: offset === undefined ? '' : excerptAt(text, offset),
    },
    error.cause,
  )
}

/**
 * A file that ended the transaction it was in: what it did up to there stays, and the ledger keeps it as
 * `started`.
 */
export function endedItsTransaction({ migration, direction }: FileRun): MigrationFailedError {
  const { version, fileName } = migration
  const serverMessage =
    'the file ended the transaction that it ran in, so a part of it stays; ' +
    'compare the schema with the file by hand, and take COMMIT and ROLLBACK out of it'
  const unknown = { line: undefined, statement: undefined, sqlState: undefined, hint: undefined, excerpt: '' }
  return new MigrationFailedError({ version, fileName, direction, serverMessage, ...unknown }, undefined)
}

interface Place {
  /** Within the section's SQL. */
  readonly offset: number
  readonly statement: string | undefined
}

/**
 * Finds the failing place in the file: by the position that the server gives, which counts from the beginning
 * of the batch, or else (a violated constraint, a division by zero) by counting the statements that had
 * ended.
 */
function placeOf(
  { sql, statements }: Section,
  prefix: BatchPrefix,
  { completed }: BatchError,
  position: string | undefined,
): Place | undefined {
  if (position !== undefined) {
    const offset = offsetOfPosition(prefix.text + sql, Number(position)) - prefix.text.length
    const around = statements.findLast(({ start }) => start <= offset)
    if (offset >= 0) return { offset, statement: around && sql.slice(around.start, around.end) }
  }
  const failing = statements[completed - prefix.statements]
  return failing && { offset: failing.start, statement: sql.slice(failing.start, failing.end) }
}
