import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { dataLossOf } from './data-loss.ts'
import { parseMigration } from './parse.ts'

/** What the way down of a file loses whose down part this is. */
function lossesOf(sql: string) {
  const { down } = parseMigration('20260102030405_x.sql', `-- migrate:up\nSELECT 1;\n-- migrate:down\n${sql}`)
  return down ? dataLossOf(down) : []
}

const DESTRUCTIVE: readonly (readonly [sql: string, ...what: string[]])[] = [
  ['DROP TABLE notes', 'table notes'],
  ['drop table if exists Public."Notes"', 'table Notes'],
  ['DROP TABLE app.notes RESTRICT', 'table app.notes'],
  ['DROP TABLE a, "b""c"', 'table a', 'table b"c'],
  ['DROP TABLE notes CASCADE', 'table notes and what depends on it'],
  ['DROP SCHEMA app', 'schema app'],
  ['DROP SCHEMA app CASCADE', 'schema app and what depends on it'],
  ['DROP SEQUENCE notes_id_seq', 'sequence notes_id_seq'],
  ['DROP TYPE mood CASCADE', 'type mood and what depends on it'],
  ['DROP DOMAIN IF EXISTS app.mail CASCADE', 'domain app.mail and what depends on it'],
  ['DROP VIEW happy CASCADE', 'view happy and what depends on it'],
  ['DROP MATERIALIZED VIEW happy CASCADE', 'materialized view happy and what depends on it'],
  ['DROP FUNCTION f(int, text) CASCADE', 'function f and what depends on it'],
  ['DROP EXTENSION citext CASCADE', 'extension citext and what depends on it'],
  ['DROP OWNED BY somebody', 'everything that somebody owns'],
  ['ALTER TABLE users DROP COLUMN phone', 'column users.phone'],
  ['ALTER TABLE ONLY "users" DROP "Phone" CASCADE', 'column users.Phone'],
  ['ALTER TABLE IF EXISTS app.users DROP COLUMN IF EXISTS phone', 'column app.users.phone'],
  [
    'ALTER TABLE users ADD a int, DROP COLUMN b, ALTER c DROP DEFAULT, DROP d',
    'column users.b',
    'column users.d',
  ],
  ['ALTER TABLE users /* , DROP x */ DROP -- y\n phone', 'column users.phone'],
  ['ALTER TYPE address DROP ATTRIBUTE street', 'attribute address.street'],
  ['ALTER TABLE t ALTER n TYPE int USING n::int', 'values of t.n as they were'],
  ['ALTER TABLE t ALTER COLUMN n SET DATA TYPE varchar(3) USING left(n, 3)', 'values of t.n as they were'],
  ['ALTER TABLE t ALTER n TYPE date', 'values of t.n as they were'],
  ['ALTER TABLE t ALTER n TYPE timestamp(0) with time zone', 'values of t.n as they were'],
  ['ALTER TABLE t ALTER n TYPE numeric(10, 0)', 'values of t.n as they were'],
  ['TRUNCATE notes', 'all rows of notes'],
  ['TRUNCATE TABLE ONLY a, app.b RESTART IDENTITY', 'all rows of a', 'all rows of app.b'],
  ['DELETE FROM notes', 'all rows of notes'],
  ['DELETE FROM ONLY notes USING users WHERE true', 'rows of notes'],
  [
    `UPDATE "tenants" SET "status" = 'failed' WHERE "status" IN ('a')`,
    'overwritten values of tenants.status',
  ],
  ['UPDATE t AS x SET a = 1, (b, c) = (SELECT 1, 2)', 'overwritten values of t.a and t.b and t.c'],
  [
    'UPDATE t SET a = CASE WHEN a THEN b END, c = a IS DISTINCT FROM b, d = 1 FROM x WHERE true',
    'overwritten values of t.a and t.c and t.d',
  ],
  [
    'WITH gone AS (DELETE FROM notes WHERE old RETURNING *) INSERT INTO attic SELECT * FROM gone',
    'rows of notes',
  ],
  ['WITH x AS (SELECT 1) UPDATE notes SET a = 1', 'overwritten values of notes.a'],
  ['EXPLAIN ANALYZE DELETE FROM notes', 'all rows of notes'],
  ['COPY (DELETE FROM notes RETURNING *) TO STDOUT', 'all rows of notes'],
  ['INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 2', 'overwritten values of t.a'],
  ['MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE', 'rows of t'],
  ['MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET a = s.a', 'overwritten values of t.a'],
  ['DO $$ BEGIN DELETE FROM notes; END $$', 'may destroy data: a DO block'],
  ['CALL app.purge(1)', 'may destroy data: a call of app.purge'],
]

const HARMLESS = [
  'DROP INDEX notes_idx CASCADE',
  'DROP INDEX CONCURRENTLY IF EXISTS a, b',
  'ALTER TABLE notes DROP CONSTRAINT notes_check CASCADE',
  'ALTER TABLE notes ALTER COLUMN title DROP DEFAULT, ALTER title DROP NOT NULL',
  'DROP VIEW happy',
  'DROP MATERIALIZED VIEW happy',
  'DROP FUNCTION f(int)',
  'DROP TRIGGER t ON notes CASCADE',
  'DROP TYPE mood',
  'DROP POLICY own ON notes',
  'ALTER TABLE notes RENAME TO memos',
  'ALTER TABLE t ALTER n TYPE bigint, ALTER m TYPE text',
  'CREATE TABLE fresh (a int, deleted boolean)',
  'CREATE INDEX ON notes (a)',
  `INSERT INTO logs VALUES ('DROP TABLE notes; DELETE FROM notes', $$ TRUNCATE notes $$)`,
  'INSERT INTO logs VALUES (1) ON CONFLICT DO NOTHING',
  'SELECT * FROM users FOR UPDATE',
  'SELECT "update", "delete" FROM users -- DROP TABLE notes\n',
  '/* DROP TABLE notes; */ SELECT 1',
  `COMMENT ON TABLE notes IS 'DELETE FROM notes'`,
  'GRANT UPDATE, DELETE, TRUNCATE ON notes TO somebody',
  'CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC DELETE FROM notes; SELECT 1; END',
  'CREATE TRIGGER t BEFORE UPDATE OR DELETE ON notes EXECUTE FUNCTION f()',
  'ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b ON UPDATE SET NULL ON DELETE CASCADE',
]

describe('dataLossOf', () => {
  it.each(DESTRUCTIVE)('L11 names what is lost: %s', (sql, ...what) => {
    expect(lossesOf(sql)).toMatchObject(what.map((one) => ({ what: one, statement: sql })))
  })

  it.each(HARMLESS)('L11 nothing is lost: %s', (sql) => {
    expect(lossesOf(sql)).toEqual([])
  })

  it('L11 says where, in lines of the file', () => {
    const losses = lossesOf('SELECT 1;\n\nALTER TABLE users\n  DROP a,\n  DROP b;')
    expect(losses.map(({ line, what }) => `${line} ${what}`)).toEqual([
      '7 column users.a',
      '8 column users.b',
    ])
  })

  it.each([
    ['CREATE TABLE x (a int); UPDATE x SET a = 1; DELETE FROM x; DROP TABLE x', []],
    ['ALTER TABLE t ADD b int; UPDATE t SET b = a; ALTER TABLE t ALTER b TYPE date, DROP b', []],
    ['ALTER TABLE t ADD b int; UPDATE t SET b = a, a = 0', ['overwritten values of t.b and t.a']],
    ['CREATE TABLE x (a int); DROP TABLE x CASCADE', ['table x and what depends on it']],
    ['CREATE TABLE IF NOT EXISTS x (a int); DROP TABLE x', ['table x']],
    ['CREATE TEMP TABLE x (a int); DROP TABLE public.x', ['table x']],
    [
      'CREATE TABLE x (a int); ALTER TABLE x RENAME TO y; ALTER TABLE t RENAME TO x; DROP TABLE x',
      ['table x'],
    ],
    ['CREATE TABLE x (a int); SET search_path = app; DROP TABLE x', ['table x']],
    ['CREATE TABLE x (a int); DROP TABLE x; DROP TABLE x', ['table x']],
  ])('L11 what the section made itself is no loss: %s', (sql, what) => {
    expect(lossesOf(sql).map((loss) => loss.what)).toEqual(what)
  })

  it('L11 any mixture of harmless statements loses nothing, and one destructive statement is found anywhere', () => {
    const harmless = fc.array(fc.constantFrom(...HARMLESS), { maxLength: 12 })
    const between = fc.constantFrom(';', ';\n', '; -- DROP TABLE x;\n', ';/* TRUNCATE x; */', '; ;\n\n')
    const destructive = fc.constantFrom(...DESTRUCTIVE)
    fc.assert(
      fc.property(harmless, harmless, destructive, between, (before, after, [sql, ...what], separator) => {
        const text = (statements: readonly string[]) => statements.map((one) => one + separator).join('\n')
        expect(lossesOf(text([...before, ...after, 'SELECT 1']))).toEqual([])
        const found = lossesOf(text([...before, sql, ...after]))
        expect(found).toMatchObject(what.map((one) => ({ what: one, statement: sql })))
      }),
    )
  })
})
