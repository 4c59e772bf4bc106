import { notMadeBy, RELATIONS, SEQUENCE_OPTIONS, USER_RELATION, USER_SCHEMA } from '../dump/catalog.ts'
import { POLICY_DEFINITION } from '../dump/catalog-code.ts'
import { TYPE_DEFINITION, USER_TYPES } from '../dump/catalog-schemas.ts'
import { COLUMN_DEFINITION } from '../dump/catalog-tables.ts'

const relation = (
  alias: string,
) => `CASE ${alias}.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
  WHEN 'f' THEN 'foreign table' ELSE 'table' END || ' ' || ${alias}.oid::regclass`

const OF_SCHEMAS = [
  `SELECT 'extension ' || quote_ident(x.extname), '', 'in ' || n.nspname
   FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname <> 'plpgsql'`,
  `SELECT 'schema ' || quote_ident(n.nspname), '', '' FROM pg_namespace n
   WHERE ${USER_SCHEMA} AND n.nspname NOT IN ('public', 'tenantry') AND ${notMadeBy("'e'", 'pg_namespace', 'n.oid')}`,
  `SELECT 'type ' || t.oid::regtype, '', ${TYPE_DEFINITION} FROM ${USER_TYPES}`,
  `SELECT 'sequence ' || c.oid::regclass, '', concat_ws(' ', q.seqtypid::regtype::text, nullif(${SEQUENCE_OPTIONS}, ''),
     (SELECT format('OWNED BY %s.%I', a.attrelid::regclass, a.attname)
      FROM pg_depend o JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
      WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.deptype = 'a'
        AND o.refclassid = 'pg_class'::regclass))
   FROM ${RELATIONS} JOIN pg_sequence q ON q.seqrelid = c.oid
   WHERE ${USER_RELATION} AND ${notMadeBy("'i'", 'pg_class', 'c.oid')}`,
]

/** A partition's copy of what its parent has comes with the parent. */
const OF_TABLES = [
  `SELECT ${relation('c')}, '', concat_ws(' ', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED' END,
     (SELECT string_agg(format('INHERITS %s', h.inhparent::regclass), ' ' ORDER BY h.inhseqno)
      FROM pg_inherits h WHERE h.inhrelid = c.oid),
     pg_get_expr(c.relpartbound, c.oid), 'PARTITION BY ' || pg_get_partkeydef(c.oid),
     CASE WHEN c.relrowsecurity THEN 'ENABLE ROW LEVEL SECURITY' END,
     CASE WHEN c.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END)
   FROM ${RELATIONS} WHERE c.relkind IN ('r', 'p', 'f') AND ${USER_RELATION}`,
  `SELECT ${relation('c')}, 'column ' || quote_ident(a.attname), ${COLUMN_DEFINITION}
   FROM ${RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid
     LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
   WHERE c.relkind IN ('r', 'p', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal AND ${USER_RELATION}`,
  `SELECT ${relation('c')}, 'constraint ' || quote_ident(k.conname), pg_get_constraintdef(k.oid)
   FROM pg_constraint k JOIN ${RELATIONS} ON c.oid = k.conrelid
   WHERE k.contype IN ('p', 'u', 'x', 'c', 'f') AND k.conparentid = 0 AND k.conislocal AND ${USER_RELATION}`,
  `SELECT ${relation('t')}, 'index ' || quote_ident(c.relname),
     pg_get_indexdef(c.oid) || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END
   FROM pg_index i JOIN ${RELATIONS} ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
   WHERE ${USER_RELATION} AND NOT c.relispartition
     AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))`,
]

const OF_CODE = [
  `SELECT 'function ' || p.oid::regprocedure, '',
     CASE WHEN p.prokind = 'a' THEN 'AGGREGATE' ELSE pg_get_functiondef(p.oid) END
   FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
   WHERE ${USER_SCHEMA} AND ${notMadeBy("'e', 'i'", 'pg_proc', 'p.oid')}`,
  `SELECT ${relation('c')}, '', concat_ws(' ', pg_get_viewdef(c.oid), array_to_string(c.reloptions, ', '))
   FROM ${RELATIONS} WHERE c.relkind IN ('v', 'm') AND ${USER_RELATION}`,
  `SELECT ${relation('c')}, 'trigger ' || quote_ident(t.tgname),
     pg_get_triggerdef(t.oid) || CASE t.tgenabled WHEN 'O' THEN '' ELSE ' ENABLED ' || t.tgenabled::text END
   FROM pg_trigger t JOIN ${RELATIONS} ON c.oid = t.tgrelid
   WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND ${USER_RELATION}`,
  `SELECT ${relation('c')}, 'rule ' || quote_ident(r.rulename), pg_get_ruledef(r.oid)
   FROM pg_rewrite r JOIN ${RELATIONS} ON c.oid = r.ev_class WHERE r.rulename <> '_RETURN' AND ${USER_RELATION}`,
  `SELECT ${relation('c')}, 'policy ' || quote_ident(p.polname), ${POLICY_DEFINITION}
   FROM pg_policy p JOIN ${RELATIONS} ON c.oid = p.polrelid WHERE ${USER_RELATION}`,
]

/**
 * Everything that was made in a database, one row for each object (`part` is empty) and each of its parts. The order of
 * columns is left out: a file that came late put its column elsewhere. So are rights and owners, which belong to the
 * server, and comments, which change nothing.
 */
export const READ_SHAPE = `SELECT object, part, coalesce(definition, '') AS definition FROM (
${[...OF_SCHEMAS, ...OF_TABLES, ...OF_CODE].join('\nUNION ALL\n')}
) AS shape (object, part, definition) ORDER BY object COLLATE "C", part COLLATE "C"`
