import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/databases.ts'
import { MAINTENANCE_TIMEOUTS, withConnection } from '../../platform/index.ts'
import { differencesOf } from './difference.ts'
import { readShape, type Shape } from './shape.ts'

const SCHEMA = `
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE SEQUENCE counter;
CREATE TABLE notes (id int PRIMARY KEY, title varchar(20) NOT NULL DEFAULT '', mood mood, size int);
CREATE INDEX notes_title_idx ON notes (title);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER notes_touch BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW titles AS SELECT title FROM notes;
ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody ON notes USING (true);`

const TITLE = "character varying(20) DEFAULT ''::character varying"

let database: TestDatabase
let expected: Shape
beforeAll(async () => {
  database = await createTestDatabase()
  await inDatabase(async (connection) => {
    await connection.query(SCHEMA)
    expected = await readShape(connection)
  })
})
afterAll(() => database.drop())

async function inDatabase<T>(work: (connection: pg.Client) => Promise<T>): Promise<T> {
  const options = { url: database.url, applicationName: 'shape tests', timeouts: MAINTENANCE_TIMEOUTS }
  return await withConnection(options, work)
}

/** Makes a change by hand, looks, and takes it back. */
async function differencesAfter(change: string, back: string): Promise<string[]> {
  return await inDatabase(async (connection) => {
    await connection.query(change)
    const differences = differencesOf(await readShape(connection), expected)
    await connection.query(back)
    expect(differencesOf(await readShape(connection), expected)).toEqual([])
    return differences
  })
}

describe('the differences of two schemas', () => {
  it.each([
    [
      'ALTER TABLE notes ADD colour text',
      'ALTER TABLE notes DROP colour',
      ['table notes: column colour only here'],
    ],
    [
      'ALTER TABLE notes ALTER size TYPE bigint',
      'ALTER TABLE notes ALTER size TYPE integer',
      ['table notes: column size is bigint, not integer'],
    ],
    [
      'ALTER TABLE notes ALTER title DROP NOT NULL',
      'ALTER TABLE notes ALTER title SET NOT NULL',
      [`table notes: column title is ${TITLE}, not ${TITLE} NOT NULL`],
    ],
    [
      'ALTER TABLE notes ADD CONSTRAINT short CHECK (length(title) < 9) NOT VALID',
      'ALTER TABLE notes DROP CONSTRAINT short',
      ['table notes: constraint short only here'],
    ],
    [
      'DROP INDEX notes_title_idx',
      'CREATE INDEX notes_title_idx ON notes (title)',
      ['table notes: index notes_title_idx missing'],
    ],
    ['CREATE TABLE extra (id int)', 'DROP TABLE extra', ['table extra: only here']],
    ['DROP SEQUENCE counter', 'CREATE SEQUENCE counter', ['sequence counter: missing']],
    [
      'ALTER SEQUENCE counter OWNED BY notes.id',
      'ALTER SEQUENCE counter OWNED BY NONE',
      ['sequence counter: is bigint OWNED BY public.notes.id, not bigint'],
    ],
    [
      "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
      "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
      ['function touch(): differs'],
    ],
    [
      'ALTER TABLE notes DISABLE TRIGGER notes_touch',
      'ALTER TABLE notes ENABLE TRIGGER notes_touch',
      ['table notes: trigger notes_touch differs'],
    ],
    [
      'CREATE OR REPLACE VIEW titles AS SELECT title FROM notes WHERE id > 1',
      'CREATE OR REPLACE VIEW titles AS SELECT title FROM notes',
      ['view titles: differs'],
    ],
    [
      'DROP POLICY everybody ON notes',
      'CREATE POLICY everybody ON notes USING (true)',
      ['table notes: policy everybody missing'],
    ],
    [
      'ALTER TABLE notes DISABLE ROW LEVEL SECURITY',
      'ALTER TABLE notes ENABLE ROW LEVEL SECURITY',
      ['table notes: differs'],
    ],
    ['CREATE SCHEMA side', 'DROP SCHEMA side', ['schema side: only here']],
    ["CREATE TYPE size AS ENUM ('small')", 'DROP TYPE size', ['type size: only here']],
  ] as const)('name what was done by hand: %s', async (change, back, wanted) => {
    expect(await differencesAfter(change, back)).toEqual(wanted)
  })

  it('name an index whose build broke off', () =>
    inDatabase(async (connection) => {
      await connection.query('INSERT INTO notes (id, title) VALUES (1, 1), (2, 1)')
      const build = connection.query('CREATE UNIQUE INDEX CONCURRENTLY notes_unique ON notes (title)')
      await expect(build).rejects.toThrow('unique')
      const broken = await readShape(connection)
      await connection.query('DROP INDEX notes_unique; CREATE UNIQUE INDEX notes_unique ON notes (id, title)')
      const whole = await readShape(connection)
      expect(differencesOf(broken, whole)).toEqual(['table notes: index notes_unique differs'])
      expect(broken.get('table notes')?.get('index notes_unique')).toMatch(/ INVALID$/)
      await connection.query('DROP INDEX notes_unique; TRUNCATE notes')
    }))

  it('leave out rights, comments, rows and the order of columns', async () => {
    const other = await createTestDatabase()
    try {
      const options = { url: other.url, applicationName: 'shape tests', timeouts: MAINTENANCE_TIMEOUTS }
      await withConnection(options, async (connection) => {
        await connection.query(SCHEMA.replace('id int PRIMARY KEY, title varchar(20)', 'title varchar(20)'))
        await connection.query(
          `ALTER TABLE notes ADD id int PRIMARY KEY; COMMENT ON TABLE notes IS 'told'; GRANT SELECT ON notes TO PUBLIC;
           INSERT INTO notes (id) VALUES (1); SET search_path = 'pg_catalog'`,
        )
        expect(differencesOf(await readShape(connection), expected)).toEqual([])
      })
    } finally {
      await other.drop()
    }
  })
})
