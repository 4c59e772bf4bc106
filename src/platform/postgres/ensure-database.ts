import type pg from 'pg'
import { databaseOf, MAINTENANCE_TIMEOUTS, withConnection, withDatabase } from './connection.ts'
import { messageOf } from './query-errors.ts'
import { databaseFault, isDatabaseNameTaken } from './sqlstate.ts'

const OPTIONS = { applicationName: 'tenantry setup', timeouts: MAINTENANCE_TIMEOUTS }

/**
 * Makes sure that the database of `url` exists and that PUBLIC may not connect to it, as far as the role may decide
 * that.
 *
 * @throws Error with what to do when the role may not create it; the driver's error when the server cannot be reached
 */
export async function ensureDatabase(url: string): Promise<void> {
  const exists = await withConnection({ ...OPTIONS, url }, async () => true).catch((error) => {
    if (databaseFault(error) === 'missing-database') return false
    throw error
  })
  if (!exists) await createMissing(url)
  await withConnection({ ...OPTIONS, url }, revokePublic)
}

async function createMissing(url: string): Promise<void> {
  const database = databaseOf(url)
  try {
    await withConnection({ ...OPTIONS, url: withDatabase(url, 'postgres') }, (server) => {
      const name = server.escapeIdentifier(database)
      return server.query(`CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'UTF8'`)
    })
  } catch (error) {
    if (isDatabaseNameTaken(error)) return
    const reason = `The database "${database}" does not exist and could not be created: ${messageOf(error)}`
    throw new Error(`${reason}. Create it, owned by this role.`, { cause: error })
  }
}

/** Under a lock: of two processes that change one database's row at once, PostgreSQL refuses the second. */
async function revokePublic(connection: pg.Client): Promise<void> {
  await connection.query('BEGIN')
  await connection.query("SELECT pg_advisory_xact_lock(hashtext('tenantry: revoke from PUBLIC'))")
  const { rows } = await connection.query<{ datname: string }>(
    `SELECT datname FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS granted
     WHERE datname = current_database() AND granted.grantee = 0 AND pg_has_role(datdba, 'USAGE') LIMIT 1`,
  )
  const [open] = rows
  if (open)
    await connection.query(`REVOKE ALL ON DATABASE ${connection.escapeIdentifier(open.datname)} FROM PUBLIC`)
  await connection.query('COMMIT')
}
