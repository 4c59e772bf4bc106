import {
  type Connection,
  postgresError,
  quoteIdentifier,
  quoteLiteral,
  SQLSTATE,
  violates,
} from '../../platform/index.ts'

/** What a tenant's login role may take of its server. */
export interface RoleLimits {
  /** Most connections of the role, from all processes together. */
  readonly connections: number
}

/**
 * Limits that hold whoever logs in with the role, also without this program's own. In milliseconds where PostgreSQL
 * names no unit.
 */
const ROLE_SETTINGS: Readonly<Record<string, string>> = {
  search_path: 'public',
  statement_timeout: '5s',
  lock_timeout: '2s',
  idle_in_transaction_session_timeout: '10s',
  timezone: 'UTC',
}

/** The settings of a tenant's role, as PostgreSQL keeps them, in lower case. */
export const EXPECTED_SETTINGS: readonly string[] = Object.entries(ROLE_SETTINGS).map(([name, value]) =>
  `${name}=${value}`.toLowerCase(),
)

/** The role through which every tenant's role gets its rights to rows: one for each installation on a server. */
export function groupRoleName(installationId: string): string {
  return `tenantry_tenants_${installationId.slice(0, 8)}`
}

/** Makes the group role unless it is there. It cannot log in. */
export async function ensureGroupRole(server: Connection, name: string): Promise<void> {
  const { rowCount } = await server.query('SELECT FROM pg_roles WHERE rolname = $1', [name])
  if (rowCount) return
  try {
    await server.query(`CREATE ROLE ${quoteIdentifier(name)} NOLOGIN`)
  } catch (error) {
    // Another process was first: PostgreSQL tells a simultaneous one by its catalogue's index.
    if (postgresError(error)?.code === SQLSTATE.duplicateObject) return
    if (!violates(error, 'pg_authid_rolname_index')) throw error
  }
}

/**
 * Makes a tenant's login role, or makes it again what it should be.
 *
 * @param role `verifier` is what PostgreSQL stores of the password; never the password itself. With
 *   `isFlushedLater` it does not wait for the disk: a later commit on the same server waits for this one too
 */
export async function ensureTenantRole(
  server: Connection,
  role: { name: string; group: string; verifier: string; limits: RoleLimits; isFlushedLater: boolean },
): Promise<void> {
  const name = quoteIdentifier(role.name)
  const { rowCount } = await server.query('SELECT FROM pg_roles WHERE rolname = $1', [role.name])
  const options = `LOGIN INHERIT CONNECTION LIMIT ${role.limits.connections} PASSWORD ${quoteLiteral(role.verifier)} VALID UNTIL 'infinity'`
  const settings = Object.entries(ROLE_SETTINGS).map(
    ([setting, value]) => `ALTER ROLE ${name} SET ${setting} = ${quoteLiteral(value)}`,
  )
  await server.query(
    [
      `SELECT set_config('synchronous_commit', '${role.isFlushedLater ? 'off' : 'on'}', true)`,
      `${rowCount ? 'ALTER' : 'CREATE'} ROLE ${name} ${options}`,
      `GRANT ${quoteIdentifier(role.group)} TO ${name}`,
      ...settings,
    ].join(';\n'),
  )
}

/** Gives a tenant's role another password; sessions that are open go on. */
export async function setRolePassword(server: Connection, name: string, verifier: string): Promise<void> {
  await server.query(`ALTER ROLE ${quoteIdentifier(name)} PASSWORD ${quoteLiteral(verifier)}`)
}

/** Tables whose rows a tenant's role adds and reads, and never changes. */
export const APPEND_ONLY_TABLES: readonly string[] = ['audit_log']

/**
 * Gives the group its rights inside a database: rows of every table that migrations make now or later, without the
 * right to change those of append-only ones, and nothing of the platform's own. Clones of the database inherit them. Run as the owner of the database.
 */
export async function grantRowsTo(database: Connection, group: string): Promise<void> {
  const role = quoteIdentifier(group)
  await database.query(`
    REVOKE ALL ON SCHEMA public FROM PUBLIC;
    GRANT USAGE ON SCHEMA public TO ${role};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${role};
    GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO ${role};
    REVOKE ALL ON TABLE tenant_identity FROM ${role};
    ${APPEND_ONLY_TABLES.map((table) => revokeChanges(table, role)).join('')}
    ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO ${role};
    ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO ${role};
    ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO ${role}`)
}

/** A database that lacks migrations may lack the table. */
function revokeChanges(table: string, role: string): string {
  return `DO $$ BEGIN
      IF to_regclass('public.${table}') IS NOT NULL THEN
        REVOKE UPDATE, DELETE, TRUNCATE ON TABLE public.${table} FROM ${role};
      END IF;
    END $$;`
}

/** Lets a tenant's role, and of the tenants' roles it alone, into its database. */
export function admissionStatements(database: string, role: string): string[] {
  return [
    `REVOKE ALL ON DATABASE ${quoteIdentifier(database)} FROM PUBLIC`,
    `GRANT CONNECT ON DATABASE ${quoteIdentifier(database)} TO ${quoteIdentifier(role)}`,
  ]
}
