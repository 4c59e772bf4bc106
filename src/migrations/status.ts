import type pg from 'pg'
import type { Connection } from '../platform/index.ts'
import { type AppliedMigration, appliedOf } from './applied.ts'
import { type HistoryEntry, LEDGER_EXISTS, type LedgerEntry, READ_HISTORY, READ_LEDGER } from './ledger.ts'
import type { Direction, Migration, MigrationSet } from './migration.ts'
import { newestApplied } from './plan.ts'
import { filesByVersion, isEdited } from './verify.ts'

/**
 * `started`: a file outside a transaction that did not come to its end; the next run does it again. `edited`: its file
 * looks different today. `missing`: its file is gone. `newer`: it is newer than every file, so this program is older.
 */
export type MigrationState = 'applied' | 'pending' | 'missing' | 'newer' | 'edited' | 'started'

/** One file, or one applied version whose file is gone. */
export interface MigrationStatusRow {
  readonly version: string
  readonly name: string
  readonly state: MigrationState
  readonly appliedAt?: Date
}

/** Where one database stands against a set of files. */
export interface MigrationStatus {
  /** The newest applied version. */
  readonly current: string | undefined
  /** Oldest first. */
  readonly migrations: readonly MigrationStatusRow[]
  /** What the ledger holds as applied, whatever the files say. */
  readonly applied: readonly AppliedMigration[]
}

/** One line of the ledger's history. */
export interface MigrationHistoryRow {
  readonly version: string
  readonly name: string
  readonly direction: Direction
  readonly at: Date
  readonly durationMs: number
}

/** Compares a database with a set of files. Creates nothing: without a ledger every file is pending. */
export async function migrationStatus(connection: Connection, set: MigrationSet): Promise<MigrationStatus> {
  const entries = await readLedger(connection)
  const entered = new Map(entries.map((entry) => [entry.version, entry]))
  const files = filesByVersion(set)
  const gone = entries.filter(({ version }) => !files.has(version))
  const rows = [...set.files, ...gone].map(({ version, name }): MigrationStatusRow => {
    const entry = entered.get(version)
    const appliedAt = entry?.state === 'applied' ? { appliedAt: entry.applied_at } : {}
    return { version, name, state: stateOf(entry, files.get(version), set), ...appliedAt }
  })
  return { current: newestApplied(entries), migrations: rows.sort(byVersion), applied: appliedOf(entries) }
}

function stateOf(
  entry: LedgerEntry | undefined,
  file: Migration | undefined,
  { latest = '' }: MigrationSet,
): MigrationState {
  if (!entry) return 'pending'
  if (!file) return entry.version > latest ? 'newer' : 'missing'
  if (isEdited(entry, file)) return 'edited'
  return entry.state
}

function byVersion(one: MigrationStatusRow, other: MigrationStatusRow): number {
  return one.version < other.version ? -1 : 1
}

/** The newest applied version, or `undefined` when there is none. Creates nothing. */
export async function schemaVersionOf(connection: Connection): Promise<string | undefined> {
  return newestApplied(await readLedger(connection))
}

/** Everything that was ever applied and taken back, newest last; empty without a ledger. */
export async function migrationHistory(connection: Connection): Promise<MigrationHistoryRow[]> {
  const rows = await readIfPresent<HistoryEntry>(connection, READ_HISTORY)
  return rows.map(({ duration_ms: durationMs, ...entry }) => ({ ...entry, durationMs }))
}

function readLedger(connection: Connection): Promise<LedgerEntry[]> {
  return readIfPresent(connection, READ_LEDGER)
}

async function readIfPresent<Row extends pg.QueryResultRow>(
  connection: Connection,
  sql: string,
): Promise<Row[]> {
  const { rows: found } = await connection.query<{ present: boolean }>(LEDGER_EXISTS)
  if (!found[0]?.present) return []
  const { rows } = await connection.query<Row>(sql)
  return rows
}
