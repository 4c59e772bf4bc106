import { notMadeBy, RELATIONS, SEQUENCE_OPTIONS, USER_RELATION, USER_SCHEMA } from './catalog.ts'

export const EXTENSIONS = `
SELECT format('CREATE EXTENSION %I WITH SCHEMA %I;', x.extname, n.nspname) AS sql
FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
WHERE x.extname <> 'plpgsql' ORDER BY x.extname`

/** The engine makes the schema of its ledger itself. */
export const SCHEMAS = `
SELECT format('CREATE SCHEMA %I;', n.nspname) AS sql FROM pg_namespace n
WHERE ${USER_SCHEMA} AND n.nspname NOT IN ('public', 'tenantry')
  AND ${notMadeBy("'e'", 'pg_namespace', 'n.oid')}
ORDER BY n.nspname`

/** The statement that makes a type (`t`). */
export const TYPE_DEFINITION = `CASE t.typtype
  WHEN 'e' THEN format('CREATE TYPE %s AS ENUM (%s);', t.oid::regtype, (
    SELECT string_agg(quote_literal(v.enumlabel), ', ' ORDER BY v.enumsortorder)
    FROM pg_enum v WHERE v.enumtypid = t.oid))
  WHEN 'd' THEN concat_ws(' ',
    format('CREATE DOMAIN %s AS %s', t.oid::regtype, format_type(t.typbasetype, t.typtypmod)),
    'DEFAULT ' || t.typdefault, CASE WHEN t.typnotnull THEN 'NOT NULL' END, (
    SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), ' '
      ORDER BY k.conname)
    FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c')) || ';'
  WHEN 'r' THEN (
    SELECT format('CREATE TYPE %s AS RANGE (SUBTYPE = %s);', t.oid::regtype, r.rngsubtype::regtype)
    FROM pg_range r WHERE r.rngtypid = t.oid)
  ELSE format('CREATE TYPE %s AS (%s);', t.oid::regtype, (
    SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
      ORDER BY a.attnum)
    FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
  END`

export const USER_TYPES = `pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
  AND ${USER_SCHEMA} AND ${notMadeBy("'e'", 'pg_type', 't.oid')}`

export const TYPES = `
SELECT ${TYPE_DEFINITION} AS sql
FROM ${USER_TYPES}
ORDER BY n.nspname, t.typname`

/** Dependency 'i' marks an identity column's sequence, which its column describes. */
export const SEQUENCES = `
SELECT concat_ws(' ', 'CREATE SEQUENCE ' || c.oid::regclass,
  CASE WHEN q.seqtypid <> 'int8'::regtype THEN 'AS ' || q.seqtypid::regtype END,
  nullif(${SEQUENCE_OPTIONS}, '')) || ';' AS sql
FROM ${RELATIONS} JOIN pg_sequence q ON q.seqrelid = c.oid
WHERE ${USER_RELATION} AND ${notMadeBy("'i'", 'pg_class', 'c.oid')}
ORDER BY n.nspname, c.relname`

export const SEQUENCE_OWNERS = `
SELECT format('ALTER SEQUENCE %s OWNED BY %s.%I;', c.oid::regclass, a.attrelid::regclass, a.attname) AS sql
FROM ${RELATIONS}
  JOIN pg_depend o ON o.classid = 'pg_class'::regclass AND o.objid = c.oid AND o.deptype = 'a'
  JOIN pg_attribute a ON a.attrelid = o.refobjid AND a.attnum = o.refobjsubid
WHERE c.relkind = 'S' AND o.refclassid = 'pg_class'::regclass AND ${USER_RELATION}
ORDER BY n.nspname, c.relname`
