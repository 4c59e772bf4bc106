import { type Connection, postgresError, SQLSTATE } from '../../../platform/index.ts'

/** What a server says of itself and of the role that asks. */
export interface ServerFacts {
  /** Major version. */
  readonly version: number
  readonly isReplica: boolean
  readonly role: string
  readonly isSuperuser: boolean
  readonly mayCreateDatabases: boolean
  readonly mayCreateRoles: boolean
  /** The same for a server and its replicas alone; `undefined` where the role may not ask. */
  readonly systemId: string | undefined
  /** `postgres`, `template1` and the database that was asked, quoted, where every role may connect to them. */
  readonly openDatabases: readonly string[]
}

export async function readServerFacts(server: Connection): Promise<ServerFacts> {
  const { rows } = await server.query<Omit<ServerFacts, 'systemId'>>(
    `SELECT current_setting('server_version_num')::int / 10000 AS "version", pg_is_in_recovery() AS "isReplica",
            rolname AS "role", rolsuper AS "isSuperuser", rolsuper OR rolcreatedb AS "mayCreateDatabases",
            rolsuper OR rolcreaterole AS "mayCreateRoles",
            ARRAY(SELECT quote_ident(datname) FROM pg_database
                  WHERE datname IN ('postgres', 'template1', current_database())
                    AND EXISTS (SELECT FROM aclexplode(coalesce(datacl, acldefault('d', datdba)))
                                WHERE grantee = 0 AND privilege_type = 'CONNECT')
                  ORDER BY datname) AS "openDatabases"
     FROM pg_roles WHERE rolname = current_user`,
  )
  const [facts] = rows
  if (!facts) throw new Error('the role does not find itself')
  return { ...facts, systemId: await readSystemId(server) }
}

/** @see https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA */
async function readSystemId(server: Connection): Promise<string | undefined> {
  try {
    const { rows } = await server.query<{ id: string }>(
      'SELECT system_identifier::text AS id FROM pg_control_system()',
    )
    return rows[0]?.id
  } catch (error) {
    if (postgresError(error)?.code === SQLSTATE.insufficientPrivilege) return undefined
    throw error
  }
}
