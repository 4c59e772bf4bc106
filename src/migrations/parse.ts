import { createHash } from 'node:crypto'
import { concurrentIndexOf } from './concurrent-index.ts'
import { MigrationFileError } from './errors.ts'
import { findMarkers, type Marker } from './markers.ts'
import type { Migration, Section } from './migration.ts'
import { type Statement, splitStatements } from './sql-statements.ts'
import { lineAt, TextError } from './text-position.ts'

const FILE_NAME = /^(?<version>\d{14})_(?<name>[a-z0-9_]+)\.sql$/

/**
 * Parses one migration file.
 *
 * @param content the file's text as read; line endings and a byte order mark do not matter
 * @throws MigrationFileError with the first problem, naming file and line
 */
export function parseMigration(fileName: string, content: string): Migration {
  const text = content.replace(/^\uFEFF/, '').replaceAll(/\r\n?/g, '\n')
  try {
    return Object.freeze({
      ...parseFileName(fileName),
      fileName,
      text,
      checksum: sha256(text),
      ...partsOf(text),
    })
  } catch (error) {
    if (!(error instanceof TextError)) throw error
    throw new MigrationFileError([{ fileName, line: lineAt(text, error.offset), reason: error.message }])
  }
}

/** The fingerprint of a text, hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

function parseFileName(fileName: string): Pick<Migration, 'version' | 'name'> {
  const { version, name } = FILE_NAME.exec(fileName)?.groups ?? {}
  if (!version || !name) {
    throw new TextError(0, 'the file must be called YYYYMMDDHHMMSS_name.sql, the name of a-z, 0-9 and _')
  }
  if (!isTime(version)) throw new TextError(0, `${version} is not a date and time (YYYYMMDDHHMMSS)`)
  return { version, name }
}

function isTime(version: string): boolean {
  const iso = version.replace(/^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/, '$1-$2-$3T$4:$5:$6.000Z')
  const time = new Date(iso)
  // Date takes the 31st of February for the 3rd of March; only a real day comes back unchanged.
  return !Number.isNaN(time.getTime()) && time.toISOString() === iso
}

function partsOf(text: string): Pick<Migration, 'up' | 'down'> {
  const markers = findMarkers(text)
  const [early] = scan(text, 0, markers.up.start)
  if (early) throw new TextError(early.start, 'only comments may stand before "-- migrate:up"')
  const up = sectionOf(text, markers.up, markers.down?.start ?? text.length)
  if (up.statements.length === 0) {
    throw new TextError(markers.up.start, 'there is no statement after "-- migrate:up"')
  }
  const down = markers.down && sectionOf(text, markers.down, text.length)
  // An empty down part does not say how to get back; who means "nothing to undo" writes SELECT 1.
  return down && down.statements.length > 0 ? { up, down } : { up }
}

function sectionOf(text: string, marker: Marker, end: number): Section {
  const statements = scan(text, marker.end, end)
  for (const { start, head } of statements) {
    if (controlsTransaction(head)) {
      const word = head[0]?.toUpperCase()
      throw new TextError(
        marker.end + start,
        `${word}: the engine opens and ends the transaction, not the file`,
      )
    }
  }
  if (!marker.transaction) assertRunsAlone(statements, marker.end)
  const sql = text.slice(marker.end, end)
  const line = lineAt(text, marker.end)
  return Object.freeze({ sql, transaction: marker.transaction, offset: marker.end, line, statements })
}

function scan(text: string, start: number, end: number): Statement[] {
  try {
    return splitStatements(text.slice(start, end))
  } catch (error) {
    throw error instanceof TextError ? new TextError(start + error.offset, error.message) : error
  }
}

/** A file that commits by itself would leave its first half behind when the second one fails. */
function controlsTransaction(head: readonly string[]): boolean {
  const words = head.slice(0, 3).join(' ')
  if (/^rollback (work |transaction )?to\b/i.test(words)) return false
  return /^(begin|commit|end|rollback|abort|(start|prepare) transaction)\b/i.test(words)
}

/**
 * One statement only, as graphile-migrate demands it. Several in one simple query would be an implicit
 * transaction again, and after a crash between two of them nobody could tell which one was done; with one,
 * the ledger row with state `started` says which statement is in doubt.
 *
 * @see https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
 */
function assertRunsAlone([first, second]: readonly Statement[], offset: number): void {
  if (second) {
    throw new TextError(
      offset + second.start,
      'transaction:false takes one statement: give each its own file',
    )
  }
  if (first && concurrentIndexOf(first) === 'unnamed') {
    throw new TextError(
      offset + first.start,
      'name the index, so that a killed build can be found and redone',
    )
  }
}
