import { type Connection, databaseFault, type Id } from '../../../platform/index.ts'
import { APPEND_ONLY_TABLES } from '../../roles/store.ts'

/** Whose a tenant database says that it is. */
export interface Identity {
  readonly installationId: Id
  /** Null in a clone that was not claimed yet. */
  readonly tenantId: Id | null
}

/** The marker; `undefined` where there is none. */
export async function readIdentity(database: Connection): Promise<Identity | undefined> {
  try {
    const { rows } = await database.query<Identity>(
      'SELECT installation_id AS "installationId", organization_id AS "tenantId" FROM public.tenant_identity',
    )
    return rows[0]
  } catch (error) {
    if (databaseFault(error) === 'schema-mismatch') return undefined
    throw error
  }
}

/** Writes the marker where there is none; one that is there stays as it is. */
export async function insertIdentity(database: Connection, { installationId, tenantId }: Identity) {
  await database.query(
    'INSERT INTO tenant_identity (installation_id, organization_id) VALUES ($1, $2) ON CONFLICT DO NOTHING',
    [installationId, tenantId],
  )
}

/**
 * What the group lacks, or has too much, of its rights in a database, in words; empty when all is as it should be. What
 * extensions brought along is not the platform's to give.
 */
export async function readWrongRights(database: Connection, group: string): Promise<string[]> {
  const { rows } = await database.query<{ wrong: string }>(
    `SELECT 'schema public' AS wrong WHERE NOT has_schema_privilege($1, 'public', 'USAGE')
     UNION ALL
     SELECT 'PUBLIC in schema public' FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
     WHERE nspname = 'public' AND grantee = 0
     UNION ALL
     SELECT format('table %s', relname) FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm') AND relname <> 'tenant_identity'
       AND NOT (has_table_privilege($1, oid, 'SELECT') AND has_table_privilege($1, oid, 'INSERT')
         AND (relname = ANY($2) OR has_table_privilege($1, oid, 'UPDATE') AND has_table_privilege($1, oid, 'DELETE')))
       AND NOT EXISTS (SELECT FROM pg_depend
         WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
     UNION ALL
     SELECT format('table %s, which may only be added to', relname) FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relname = ANY($2)
       AND has_table_privilege($1, oid, 'UPDATE, DELETE, TRUNCATE')
     UNION ALL
     SELECT format('sequence %s', relname) FROM pg_class
     WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
       AND NOT (has_sequence_privilege($1, oid, 'SELECT') AND has_sequence_privilege($1, oid, 'USAGE'))
     UNION ALL
     SELECT 'table tenant_identity, which is none of its' FROM pg_class
     WHERE oid = to_regclass('public.tenant_identity')
       AND has_table_privilege($1, oid, 'SELECT, INSERT, UPDATE, DELETE')
     UNION ALL
     SELECT 'what is made later' WHERE (
       SELECT count(DISTINCT (defaclobjtype, privilege_type)) FROM pg_default_acl, aclexplode(defaclacl)
       WHERE defaclrole = current_user::regrole AND defaclnamespace = 0 AND pg_get_userbyid(grantee) = $1
         AND (defaclobjtype, privilege_type) IN (('r', 'SELECT'), ('r', 'INSERT'), ('r', 'UPDATE'), ('r', 'DELETE'),
           ('S', 'USAGE'), ('S', 'SELECT'), ('n', 'USAGE'))) < 7`,
    [group, APPEND_ONLY_TABLES],
  )
  return rows.map(({ wrong }) => wrong)
}

/** Powers that a tenant's role, its group or PUBLIC has in a database, each with the statement that takes it away there. */
export async function readExcess(
  database: Connection,
  { role, group }: { role: string; group: string },
): Promise<{ what: string; statement: string }[]> {
  const { rows } = await database.query(
    `WITH tenants AS (SELECT oid FROM pg_roles WHERE rolname IN ($1, $2) UNION ALL SELECT 0)
     SELECT format('its role owns the table %s', oid::regclass) AS what,
            format('ALTER TABLE %s OWNER TO %I;', oid::regclass, current_user) AS statement
     FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND relowner IN (SELECT oid FROM tenants)
     UNION ALL
     SELECT format('tenants may enter the schema %I', nspname),
            format('REVOKE ALL ON SCHEMA %I FROM %s;', nspname,
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
     FROM pg_namespace, aclexplode(nspacl)
     WHERE nspname = 'tenantry' AND grantee IN (SELECT oid FROM tenants)
     UNION ALL
     SELECT format('tenants have %s in the database', string_agg(privilege_type, ' and ')),
            format('REVOKE %s ON DATABASE %I FROM %s;', string_agg(privilege_type, ', '), datname,
              CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END)
     FROM pg_database, aclexplode(datacl)
     WHERE datname = current_database() AND privilege_type IN ('CREATE', 'TEMPORARY') AND grantee IN (SELECT oid FROM tenants)
     GROUP BY datname, grantee`,
    [role, group],
  )
  return rows
}
