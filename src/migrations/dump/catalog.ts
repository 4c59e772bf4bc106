/** One object: `sql` is the whole statement, or what comes before `definition`. */
export interface ObjectRow {
  readonly sql: string
  /** A view's query, which needs a touch before it is printed. */
  readonly definition?: string
}

/** What the server made itself is not the user's. */
export const USER_SCHEMA = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

/** What an extension made comes back with the extension; what belongs to another object (`i`), with that. */
export function notMadeBy(kinds: string, catalog: string, oid: string): string {
  return `NOT EXISTS (SELECT FROM pg_depend e
    WHERE e.classid = '${catalog}'::regclass AND e.objid = ${oid} AND e.deptype IN (${kinds}))`
}

export const RELATIONS = 'pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace'

/** Without the engine's own two tables. */
export const USER_RELATION = `${USER_SCHEMA}
  AND (n.nspname, c.relname) NOT IN (('tenantry', 'migrations'), ('tenantry', 'migration_history'))
  AND ${notMadeBy("'e'", 'pg_class', 'c.oid')}`

/** The options of a sequence that differ from what CREATE SEQUENCE would choose for its type. */
export const SEQUENCE_OPTIONS = `concat_ws(' ',
  CASE WHEN q.seqincrement <> 1 THEN 'INCREMENT BY ' || q.seqincrement END,
  CASE WHEN q.seqmin <> 1 THEN 'MINVALUE ' || q.seqmin END,
  CASE WHEN q.seqmax <> CASE q.seqtypid WHEN 'int2'::regtype THEN 32767 WHEN 'int4'::regtype THEN 2147483647
    ELSE 9223372036854775807 END THEN 'MAXVALUE ' || q.seqmax END,
  CASE WHEN q.seqstart <> q.seqmin THEN 'START WITH ' || q.seqstart END,
  CASE WHEN q.seqcache <> 1 THEN 'CACHE ' || q.seqcache END,
  CASE WHEN q.seqcycle THEN 'CYCLE' END)`
