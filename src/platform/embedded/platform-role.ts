import { type Connection, MAINTENANCE_TIMEOUTS, withConnection } from '../postgres/connection.ts'
import { quoteIdentifier, quoteLiteral } from '../postgres/identifiers.ts'
import { type Credentials, PLATFORM_ROLE, superuserUrl } from './credentials.ts'

/**
 * Makes the platform's role and database, and closes every database to roles that were not admitted to it. What is
 * there already stays as it is.
 *
 * @throws whatever PostgreSQL or the connection reports
 */
export async function preparePlatformRole(credentials: Credentials, port: number): Promise<void> {
  const url = superuserUrl(credentials, port)
  const timeouts = { ...MAINTENANCE_TIMEOUTS, statement: 30_000 }
  await withConnection({ url, applicationName: 'tenantry guard', timeouts }, async (connection) => {
    const { rows } = await connection.query<{ role: boolean; database: boolean }>(
      `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1) AS role,
              EXISTS (SELECT FROM pg_database WHERE datname = $1) AS database`,
      [PLATFORM_ROLE],
    )
    if (!rows[0]?.role) await createRole(connection, credentials.rolePassword)
    if (!rows[0]?.database) {
      const name = quoteIdentifier(PLATFORM_ROLE)
      await connection.query(`CREATE DATABASE ${name} OWNER ${name}`)
    }
    await closeToPublic(connection)
  })
}

async function createRole(connection: Connection, password: string): Promise<void> {
  await connection.query(
    `CREATE ROLE ${quoteIdentifier(PLATFORM_ROLE)}
       LOGIN CREATEDB CREATEROLE NOSUPERUSER PASSWORD ${quoteLiteral(password)}`,
  )
}

async function closeToPublic(connection: Connection): Promise<void> {
  const open = await connection.query<{ datname: string }>(
    `SELECT datname FROM pg_database
      WHERE datname = ANY ($1)
        AND EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))
                     WHERE grantee = 0 AND privilege_type = 'CONNECT')`,
    [['postgres', 'template1', PLATFORM_ROLE]],
  )
  for (const { datname } of open.rows) {
    await connection.query(`REVOKE CONNECT ON DATABASE ${quoteIdentifier(datname)} FROM PUBLIC`)
  }
}
