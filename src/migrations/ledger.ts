import { quoteLiteral } from '../platform/index.ts'
import type { Direction, Migration } from './migration.ts'

/**
 * One lock for everything that changes this schema. Advisory locks belong to the database in which they are
 * taken, so a constant is enough: the eight bytes of "tenantry".
 */
const LOCK = '8387227955466269561'
/** Taken only while the ledger tables are made. */
const CREATION_LOCK = '8387227955466269562'

/** What is applied now. `started` stands for a file outside a transaction that did not come to its end. */
export interface LedgerEntry {
  readonly version: string
  readonly name: string
  readonly checksum: string
  readonly state: 'started' | 'applied'
  readonly applied_at: Date
  /** Of the run over many databases that applied it; null when it was none. */
  readonly run_id: string | null
}

/** One line of what was ever done. */
export interface HistoryEntry {
  readonly version: string
  readonly name: string
  readonly direction: Direction
  readonly at: Date
  readonly duration_ms: number
}

/**
 * Makes the ledger where it is missing. CREATE … IF NOT EXISTS alone is not safe against a second session
 * that does the same at the same time, and says NOTICE where the schema is there already.
 */
const CREATE_LEDGER = `
DO $tenantry$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_attribute
      WHERE attrelid = to_regclass('tenantry.migration_history') AND attname = 'run_id') THEN
    PERFORM pg_advisory_xact_lock(${CREATION_LOCK});
    PERFORM set_config('client_min_messages', 'warning', true);
    CREATE SCHEMA IF NOT EXISTS tenantry;
    CREATE TABLE IF NOT EXISTS tenantry.migrations (
      version text PRIMARY KEY CHECK (version ~ '^[0-9]{14}$'),
      name text NOT NULL,
      checksum text NOT NULL,
      state text NOT NULL CHECK (state IN ('started', 'applied')),
      started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
      duration_ms integer
    );
    CREATE TABLE IF NOT EXISTS tenantry.migration_history (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
      version text NOT NULL,
      name text NOT NULL,
      direction text NOT NULL CHECK (direction IN ('up', 'down')),
      at timestamptz NOT NULL DEFAULT clock_timestamp(),
      duration_ms integer NOT NULL
    );
    -- Ledgers of earlier releases lack it.
    ALTER TABLE tenantry.migrations ADD COLUMN IF NOT EXISTS run_id uuid;
    ALTER TABLE tenantry.migration_history ADD COLUMN IF NOT EXISTS run_id uuid;
  END IF;
END $tenantry$`

export const LEDGER_EXISTS = `SELECT to_regclass('tenantry.migration_history') IS NOT NULL AS present`

/** Through to_jsonb, because whoever only looks may find a ledger of an earlier release, without the column. */
export const READ_LEDGER = `
SELECT version, name, checksum, state, applied_at, to_jsonb(migrations) ->> 'run_id' AS run_id
FROM tenantry.migrations ORDER BY version`

export const READ_HISTORY = `
SELECT version, name, direction, at, duration_ms FROM tenantry.migration_history ORDER BY id`

/**
 * Tries to take the migration lock of this database and reads the ledger after it: one round trip, five
 * statements. READ COMMITTED gives the last statement a snapshot from behind the lock, whatever the
 * database's default is.
 *
 * The lock is polled for and never waited for: a waiting pg_advisory_lock() holds a snapshot, CREATE INDEX
 * CONCURRENTLY in the session that has the lock waits for every older snapshot, and the two wait for each
 * other.
 */
export const LOCK_AND_READ_LEDGER = [
  'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
  CREATE_LEDGER,
  `SELECT pg_try_advisory_lock(${LOCK}) AS locked`,
  READ_LEDGER,
  'COMMIT',
].join(';\n')

export const UNLOCK = `SELECT pg_advisory_unlock(${LOCK})`

/** Who has the migration lock. A bigint key is split over classid and objid, and objsubid is 1. */
export const LOCK_HOLDER = `
SELECT pid, application_name AS "applicationName"
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1
  AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32 | objid::bigint) = ${LOCK}`

/**
 * Enters the file before its SQL runs. Whoever comes second, with no lock to hold him back, fails here with
 * 23505 (up) or P0002 (down) before he has done anything.
 */
export function claim(
  direction: Direction,
  { version, name, checksum }: Migration,
  runId: string | undefined,
): readonly string[] {
  if (direction === 'up') {
    const row = [...[version, name, checksum, 'started'].map(quoteLiteral), literalOrNull(runId)].join(', ')
    return [
      `DELETE FROM tenantry.migrations WHERE version = '${version}' AND state = 'started'`,
      `INSERT INTO tenantry.migrations (version, name, checksum, state, run_id) VALUES (${row})`,
    ]
  }
  return [
    `DO $tenantry$ BEGIN
      UPDATE tenantry.migrations SET state = 'started', started_at = clock_timestamp()
        WHERE version = '${version}';
      IF NOT FOUND THEN RAISE no_data_found; END IF;
    END $tenantry$`,
  ]
}

/** Takes the claim back when it is certain that nothing was done. */
export function unclaim(direction: Direction, { version }: Migration): string {
  const where = `WHERE version = '${version}' AND state = 'started'`
  return direction === 'up'
    ? `DELETE FROM tenantry.migrations ${where}`
    : `UPDATE tenantry.migrations SET state = 'applied' ${where}`
}

/**
 * Records that the file is done, and returns the one row of history with its `duration_ms`.
 *
 * @param sameTransaction demands that the claim was made by the running transaction: no row comes back when
 *   the file's SQL has ended that transaction
 */
export function finish(
  direction: Direction,
  { version }: Migration,
  { sameTransaction, runId }: { sameTransaction: boolean; runId: string | undefined },
): string {
  const duration = 'round(extract(epoch FROM clock_timestamp() - started_at) * 1000)::integer'
  const where =
    `WHERE version = '${version}' AND state = 'started'` +
    (sameTransaction ? ' AND xmin = pg_current_xact_id()::xid' : '')
  const change =
    direction === 'up'
      ? `UPDATE tenantry.migrations
           SET state = 'applied', applied_at = clock_timestamp(), duration_ms = ${duration},
             run_id = coalesce(${literalOrNull(runId)}, run_id) ${where}
           RETURNING version, name, duration_ms`
      : `DELETE FROM tenantry.migrations ${where} RETURNING version, name, ${duration} AS duration_ms`
  return `WITH done AS (${change})
    INSERT INTO tenantry.migration_history (version, name, direction, duration_ms, run_id)
    SELECT version, name, '${direction}', duration_ms, ${literalOrNull(runId)} FROM done RETURNING duration_ms`
}

function literalOrNull(runId: string | undefined): string {
  return runId === undefined ? 'NULL::uuid' : `${quoteLiteral(runId)}::uuid`
}

/**
 * Finds an index by its names as they are written in SQL; the server resolves quotes, case and search_path. A
 * build that runs right now is left out: it is invalid, but nobody left it behind.
 */
export const INDEX_STATE = `
SELECT indisvalid AS valid, indexrelid::regclass::text AS name
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE indrelid = to_regclass($1) AND relname = (parse_ident($2))[1]
  AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index AS running
    WHERE running.datname = current_database() AND running.index_relid = indexrelid)`
