import { and, eq, inArray, isNull, sql } from 'drizzle-orm'
import type { Connection, Id } from '../../platform/index.ts'
import type { SchemaState } from '../store.ts'
import { tenants } from '../tables.ts'
import type { CoreExecutor } from '../types.ts'

/** One database of a server. */
export interface DatabaseFacts {
  readonly name: string
  readonly allowsConnections: boolean
  /** -1: none; -2: half dropped. */
  readonly connectionLimit: number
  readonly comment: string | null
  /** The platform's role may do what its owner may. */
  readonly isOwned: boolean
  readonly isPublic: boolean
  /** Roles besides the owner that may connect. */
  readonly admitted: readonly string[]
}

/** Every database of a server by its name, in one query. */
export async function readDatabases(server: Connection): Promise<ReadonlyMap<string, DatabaseFacts>> {
  const { rows } = await server.query<DatabaseFacts>(
    `SELECT datname::text AS name, datallowconn AS "allowsConnections", datconnlimit AS "connectionLimit",
            shobj_description(d.oid, 'pg_database') AS comment, pg_has_role(datdba, 'USAGE') AS "isOwned",
            coalesce(bool_or(grantee = 0), false) AS "isPublic",
            coalesce(array_agg(pg_get_userbyid(grantee)::text) FILTER (WHERE grantee NOT IN (0, datdba)), '{}')
              AS admitted
     FROM pg_database d
     LEFT JOIN LATERAL aclexplode(coalesce(datacl, acldefault('d', datdba))) ON privilege_type = 'CONNECT'
     GROUP BY d.oid, datname, datallowconn, datconnlimit, datdba`,
  )
  return new Map(rows.map((row) => [row.name, row]))
}

/** One role that has the name of a tenant's, or the group's. */
export interface RoleFacts {
  readonly name: string
  readonly mayLogIn: boolean
  readonly inherits: boolean
  /** Its password counts until some day, which may be over. */
  readonly expires: boolean
  readonly connectionLimit: number
  /** SUPERUSER, CREATEDB, CREATEROLE, REPLICATION, BYPASSRLS: what no tenant's role may have. */
  readonly powers: readonly string[]
  /** `name=value` */
  readonly settings: readonly string[]
  /** Roles that it is a member of. */
  readonly groups: readonly string[]
}

/** Roles named `tenant_…` and the group, by their name, in one query. */
export async function readRoles(server: Connection, group: string): Promise<ReadonlyMap<string, RoleFacts>> {
  const { rows } = await server.query<RoleFacts>(
    `SELECT rolname::text AS name, rolcanlogin AS "mayLogIn", rolinherit AS inherits,
            coalesce(rolvaliduntil < 'infinity', false) AS expires,
            rolconnlimit AS "connectionLimit", coalesce(rolconfig, '{}') AS settings,
            array_remove(ARRAY[CASE WHEN rolsuper THEN 'SUPERUSER' END, CASE WHEN rolcreatedb THEN 'CREATEDB' END,
              CASE WHEN rolcreaterole THEN 'CREATEROLE' END, CASE WHEN rolreplication THEN 'REPLICATION' END,
              CASE WHEN rolbypassrls THEN 'BYPASSRLS' END], NULL) AS powers,
            ARRAY(SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members WHERE member = r.oid) AS groups
     FROM pg_roles r WHERE starts_with(rolname, 'tenant_') OR rolname = $1`,
    [group],
  )
  return new Map(rows.map((row) => [row.name, row]))
}

export async function revokeFromPublic(server: Connection, database: string): Promise<void> {
  await server.query(`REVOKE ALL ON DATABASE ${server.escapeIdentifier(database)} FROM PUBLIC`)
}

export async function revokeConnect(server: Connection, database: string, role: string): Promise<void> {
  await server.query(
    `REVOKE CONNECT ON DATABASE ${server.escapeIdentifier(database)} FROM ${server.escapeIdentifier(role)}`,
  )
}

export async function commentOn(server: Connection, database: string, mark: string): Promise<void> {
  await server.query(
    `COMMENT ON DATABASE ${server.escapeIdentifier(database)} IS ${server.escapeLiteral(mark)}`,
  )
}

export async function dropLoginRole(server: Connection, role: string): Promise<void> {
  await server.query(`DROP ROLE IF EXISTS ${server.escapeIdentifier(role)}`)
}

export async function limitConnections(server: Connection, database: string, limit: number): Promise<void> {
  await server.query(`ALTER DATABASE ${server.escapeIdentifier(database)} CONNECTION LIMIT ${limit}`)
}

/** Every tenant of a server with all that is recorded of it. */
export async function listTenantsOf(core: CoreExecutor, serverId: Id) {
  return await core.orm.select().from(tenants).where(eq(tenants.serverId, serverId))
}

export type TenantRow = Awaited<ReturnType<typeof listTenantsOf>>[number]

/** All of them, spares included. */
export async function countTenants(core: CoreExecutor): Promise<number> {
  return await core.orm.$count(tenants)
}

/** The clock by which claims run out. */
export async function readClock(core: CoreExecutor): Promise<Date> {
  const { rows } = await core.orm.execute<{ now: string }>(sql`SELECT now()::text AS now`)
  return new Date(rows[0]?.now ?? Number.NaN)
}

/** Lets any reconciler take up a provisioning that nobody is at, at once and also where it was given up. */
export async function endPause(core: CoreExecutor, id: Id): Promise<void> {
  await core.orm
    .update(tenants)
    .set({
      status: sql`CASE ${tenants.status} WHEN 'failed' THEN 'provisioning' ELSE ${tenants.status} END`,
      claimedUntil: sql`now() - interval '1 ms'`,
    })
    .where(
      and(
        eq(tenants.id, id),
        inArray(tenants.status, ['failed', 'provisioning', 'preparing']),
        isNull(tenants.claimToken),
      ),
    )
}

/** Takes a spare whose database is gone out of use, to be made again. */
export async function recallSpare(core: CoreExecutor, id: Id): Promise<void> {
  await core.orm
    .update(tenants)
    .set({ status: 'preparing', claimToken: null, claimedUntil: sql`now() - interval '1 ms'` })
    .where(and(eq(tenants.id, id), eq(tenants.status, 'spare')))
}

/** Records what a database holds, unless somebody recorded something else since `before` was read. */
export async function correctSchema(
  core: CoreExecutor,
  id: Id,
  before: SchemaState,
  found: SchemaState,
): Promise<void> {
  await core.orm
    .update(tenants)
    .set({ ...found, updatedAt: sql`now()` })
    .where(
      and(
        eq(tenants.id, id),
        sql`${tenants.schemaVersion} IS NOT DISTINCT FROM ${before.schemaVersion}`,
        eq(tenants.migrationsApplied, before.migrationsApplied),
      ),
    )
}
