import { type Connection, databaseFault, type Id } from '../../../platform/index.ts'

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

/** What the group lacks, or has too much, of its rights in a database, in words; empty when all is as it should be. */
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
         AND has_table_privilege($1, oid, 'UPDATE') AND has_table_privilege($1, oid, 'DELETE'))
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
    [group],
  )
  return rows.map(({ wrong }) => wrong)
}
