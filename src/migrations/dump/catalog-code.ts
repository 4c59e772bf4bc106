import { notMadeBy, RELATIONS, USER_RELATION, USER_SCHEMA } from './catalog.ts'

/** There is no pg_get_aggregatedef: an aggregate is named only, so that a difference is seen. */
export const FUNCTIONS = `
SELECT CASE WHEN p.prokind = 'a' THEN '-- AGGREGATE ' || p.oid::regprocedure
  ELSE rtrim(pg_get_functiondef(p.oid), E'\\n') || ';' END AS sql
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE ${USER_SCHEMA} AND ${notMadeBy("'e', 'i'", 'pg_proc', 'p.oid')}
ORDER BY n.nspname, p.proname, pg_get_function_identity_arguments(p.oid) COLLATE "C"`

export const VIEWS = `
SELECT format('CREATE %sVIEW %s%s AS', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED ' END, c.oid::regclass,
  ' WITH (' || array_to_string(c.reloptions, ', ') || ')') AS sql, pg_get_viewdef(c.oid) AS definition
FROM ${RELATIONS} WHERE c.relkind IN ('v', 'm') AND ${USER_RELATION}
ORDER BY n.nspname, c.relname`

/** A partition's copy of its parent's trigger comes with the parent's. */
export const TRIGGERS = `
SELECT pg_get_triggerdef(t.oid) || ';'
  || CASE WHEN t.tgenabled = 'O' THEN '' ELSE ' -- enabled: ' || t.tgenabled::text END AS sql
FROM pg_trigger t JOIN ${RELATIONS} ON c.oid = t.tgrelid
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND ${USER_RELATION}
ORDER BY n.nspname, c.relname, t.tgname`

/** The statement that makes a policy (`p`) of a table (`c`), without its end. */
export const POLICY_DEFINITION = `concat_ws(' ', format('CREATE POLICY %I ON %s', p.polname, c.oid::regclass),
  CASE WHEN NOT p.polpermissive THEN 'AS RESTRICTIVE' END,
  CASE p.polcmd WHEN 'r' THEN 'FOR SELECT' WHEN 'a' THEN 'FOR INSERT' WHEN 'w' THEN 'FOR UPDATE'
    WHEN 'd' THEN 'FOR DELETE' END,
  (SELECT 'TO ' || string_agg(quote_ident(r.rolname), ', ' ORDER BY r.rolname) FROM pg_roles r
    WHERE r.oid = ANY (p.polroles)),
  'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
  'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')`

export const POLICIES = `
SELECT ${POLICY_DEFINITION} || ';' AS sql
FROM pg_policy p JOIN ${RELATIONS} ON c.oid = p.polrelid WHERE ${USER_RELATION}
ORDER BY n.nspname, c.relname, p.polname`

/** Objects from number 16384 on were made after initdb. */
export const COMMENTS = `
SELECT format('COMMENT ON %s %s IS %L;',
  CASE WHEN o.type LIKE '% column' THEN 'COLUMN' WHEN o.type = 'table constraint' THEN 'CONSTRAINT'
    WHEN o.type = 'domain constraint' THEN 'CONSTRAINT' ELSE upper(o.type) END,
  CASE WHEN o.type = 'domain constraint' THEN replace(o.identity, ' on ', ' ON DOMAIN ') ELSE o.identity END,
  d.description) AS sql
FROM pg_description d, pg_identify_object(d.classoid, d.objoid, d.objsubid) o
WHERE d.objoid >= 16384 AND d.classoid <> 'pg_extension'::regclass
  AND NOT EXISTS (SELECT FROM pg_depend e
    WHERE e.classid = d.classoid AND e.objid = d.objoid AND e.deptype = 'e')
ORDER BY o.type COLLATE "C", o.identity COLLATE "C"`
