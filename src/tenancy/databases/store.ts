import { type Connection, type Id, quoteIdentifier, quoteLiteral } from '../../platform/index.ts'
import { admissionStatements } from '../roles/store.ts'

/**
 * `open`: exists and lets people in; `closed`: exists and does not; `broken`: PostgreSQL was interrupted while it
 * dropped it, and it can only be dropped again (datconnlimit = -2); `undefined`: is not there.
 */
export type DatabaseState = 'open' | 'closed' | 'broken' | undefined

export async function databaseState(server: Connection, name: string): Promise<DatabaseState> {
  const { rows } = await server.query<{ datallowconn: boolean; datconnlimit: number }>(
    'SELECT datallowconn, datconnlimit FROM pg_database WHERE datname = $1',
    [name],
  )
  const [row] = rows
  if (row?.datconnlimit === -2) return 'broken'
  return row && (row.datallowconn ? 'open' : 'closed')
}

/**
 * Creates a database that nobody can enter yet. PUBLIC may connect to every new database, and CREATE DATABASE cannot
 * share a transaction with the REVOKE, so the door stays shut in between.
 *
 * @param connectionLimit most connections from everywhere together; -1 for no limit
 * @see https://www.postgresql.org/docs/current/ddl-priv.html
 */
export async function createClosedDatabase(
  server: Connection,
  name: string,
  template: string,
  connectionLimit = -1,
): Promise<void> {
  const encoding = template === 'template0' ? " ENCODING 'UTF8'" : ''
  await server.query(
    `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${quoteIdentifier(template)}${encoding}
     ALLOW_CONNECTIONS false CONNECTION LIMIT ${connectionLimit}`,
  )
}

/**
 * Takes PUBLIC's rights to a database away and opens it to its owner and to `role`, in one transaction and one round
 * trip.
 *
 * @param mark the comment by which even a broken database is known as ours
 * @param isFlushedLater does not wait for the disk: a later commit on the same server, which has one log in one order,
 *   waits for this one too. Until then a crash may lose it
 */
export async function openDatabase(
  server: Connection,
  name: string,
  { role, mark, isFlushedLater }: { role: string | undefined; mark: string; isFlushedLater: boolean },
): Promise<void> {
  const database = quoteIdentifier(name)
  const admission =
    role === undefined ? [`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`] : admissionStatements(name, role)
  await server.query(
    [
      `SELECT set_config('synchronous_commit', '${isFlushedLater ? 'off' : 'on'}', true)`,
      ...admission,
      `COMMENT ON DATABASE ${database} IS ${quoteLiteral(mark)}`,
      `ALTER DATABASE ${database} ALLOW_CONNECTIONS true`,
    ].join(';\n'),
  )
}

/** Whether anybody is connected to a database. */
export async function isInUse(server: Connection, name: string): Promise<boolean> {
  const { rows } = await server.query<{ used: boolean }>(
    'SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = $1) AS used',
    [name],
  )
  return rows[0]?.used === true
}

/** The comment on a tenant's database. Others can read it where they cannot enter. */
export function databaseMark(installationId: Id, tenantId: Id): string {
  return `Tenantry tenant ${tenantId} of installation ${installationId}`
}

/** The comment on a template. */
export function templateMark(installationId: Id): string {
  return `Tenantry: a template of installation ${installationId}`
}

/**
 * Shows that somebody builds a template, as long as this session lasts or until `endBuilding`. False when somebody else
 * does: without that, half a template has nobody who would finish it.
 */
export async function beginBuilding(server: Connection, building: string): Promise<boolean> {
  const { rows } = await server.query<{ locked: boolean }>(
    'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS locked',
    [`tenantry building ${building}`],
  )
  return rows[0]?.locked === true
}

export async function endBuilding(server: Connection, building: string): Promise<void> {
  await server.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [`tenantry building ${building}`])
}

/** The comment on a database, which outlives an interrupted drop. */
export async function readMark(server: Connection, name: string): Promise<string | null> {
  const { rows } = await server.query<{ mark: string | null }>(
    "SELECT shobj_description(oid, 'pg_database') AS mark FROM pg_database WHERE datname = $1",
    [name],
  )
  return rows[0]?.mark ?? null
}

/** Closes a finished template under its final name: a session in a template would block every clone. */
export async function publishTemplate(server: Connection, building: string, name: string): Promise<void> {
  await server.query(
    `ALTER DATABASE ${quoteIdentifier(building)} ALLOW_CONNECTIONS false;
     ALTER DATABASE ${quoteIdentifier(building)} RENAME TO ${quoteIdentifier(name)}`,
  )
}

export async function dropDatabase(server: Connection, name: string): Promise<void> {
  await server.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`)
}

/**
 * Lets each sequence of a template write its next number to the log in every clone. A sequence logs 32 numbers ahead; a
 * clone has the page that says so, but not that log record, so that after a crash of the server it would give numbers a
 * second time, which then violate primary keys. `setval` forgets what was logged ahead.
 *
 * @see https://www.postgresql.org/docs/current/sql-createsequence.html (log_cnt)
 */
export async function settleSequences(template: Connection): Promise<void> {
  await template.query(
    `DO $$
    DECLARE sequence regclass;
    BEGIN
      FOR sequence IN SELECT oid FROM pg_class WHERE relkind = 'S' LOOP
        EXECUTE format('SELECT setval(%L, last_value, is_called) FROM %s', sequence, sequence);
      END LOOP;
    END $$`,
  )
}

/** Marks a template as this installation's, which its clones inherit. */
export async function insertTemplateIdentity(template: Connection, installationId: Id): Promise<void> {
  await template.query('INSERT INTO tenant_identity (installation_id) VALUES ($1)', [installationId])
}

/**
 * Makes a database ours: a fresh clone gets its tenant's id. False when it is somebody else's.
 *
 * @param isFlushedLater as for `openDatabase`
 */
export async function claimIdentity(
  database: Connection,
  identity: { installationId: Id; tenantId: Id; isFlushedLater: boolean },
): Promise<boolean> {
  const { installationId, tenantId, isFlushedLater } = identity
  const { rowCount } = await database.query(
    `UPDATE tenant_identity SET organization_id = $2
     WHERE installation_id = $1 AND (organization_id IS NULL OR organization_id = $2)
       AND set_config('synchronous_commit', $3, true) = $3`,
    [installationId, tenantId, isFlushedLater ? 'off' : 'on'],
  )
  return rowCount === 1
}
