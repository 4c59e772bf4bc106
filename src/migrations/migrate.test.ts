import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../test/support/databases.ts'
import { MAINTENANCE_TIMEOUTS, withConnection } from '../platform/index.ts'
import { dumpSchema } from './dump/dump.ts'
import {
  ChecksumMismatchError,
  DatabaseNewerError,
  IrreversibleMigrationError,
  MigrationFailedError,
  MissingMigrationFileError,
  UnknownVersionError,
} from './errors.ts'
import { migrationSet } from './files.ts'
import { migrateDown, migrateUp } from './migrate.ts'
import type { MigrationSet } from './migration.ts'
import type { MigrationEvent } from './options.ts'
import { parseMigration } from './parse.ts'
import { migrationHistory, migrationStatus, schemaVersionOf } from './status.ts'

const NOTES = '20260101000000_notes.sql'
const TITLE = '20260102000000_title.sql'
const INDEX = '20260103000000_index.sql'

const FILES = {
  [NOTES]: '-- migrate:up\nCREATE TABLE notes (id int PRIMARY KEY);\n-- migrate:down\nDROP TABLE notes;\n',
  [TITLE]:
    '-- migrate:up\nALTER TABLE notes ADD COLUMN title text;\n' +
    '-- migrate:down\nALTER TABLE notes DROP COLUMN title;\n',
  [INDEX]:
    '-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY notes_title ON notes (title);\n' +
    '-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY notes_title;\n',
}

function setOf(files: Readonly<Record<string, string>>): MigrationSet {
  const names = Object.keys(files).sort()
  return migrationSet(names.map((name) => parseMigration(name, files[name] ?? '')))
}

const SET = setOf(FILES)

async function inDatabase(work: (connection: pg.Client, url: string) => Promise<void>): Promise<void> {
  const { url, drop } = await createTestDatabase()
  try {
    await connect(url, (connection) => work(connection, url))
  } finally {
    await drop()
  }
}

function connect<T>(url: string, work: (connection: pg.Client) => Promise<T>): Promise<T> {
  return withConnection({ url, applicationName: 'migration tests', timeouts: MAINTENANCE_TIMEOUTS }, work)
}

function versions({ changed }: { changed: readonly { version: string }[] }): string[] {
  return changed.map(({ version }) => version)
}

async function failureOf(work: Promise<unknown>): Promise<MigrationFailedError> {
  const error = await work.catch((thrown: unknown) => thrown)
  if (error instanceof MigrationFailedError) return error
  throw new Error('expected a MigrationFailedError', { cause: error })
}

describe('migrateUp', () => {
  it('U1: applies all files to an empty database, and then has nothing to do', () =>
    inDatabase(async (connection) => {
      const result = await migrateUp(connection, SET)
      expect(versions(result)).toEqual(SET.files.map(({ version }) => version))
      expect(result).toMatchObject({ version: SET.latest, notices: [] })
      expect(await migrateUp(connection, SET)).toEqual({
        changed: [],
        notices: [],
        applied: SET.files.map(({ version, checksum }) => ({ version, checksum })),
        version: SET.latest,
      })
      expect(await migrateUp(connection, setOf({}), {}).catch((error: Error) => error.name)).toBe(
        'DatabaseNewerError',
      )
    }))

  it('U2: an empty set makes the ledger and nothing else', () =>
    inDatabase(async (connection) => {
      expect(await migrateUp(connection, setOf({}))).toEqual({
        changed: [],
        notices: [],
        applied: [],
        version: undefined,
      })
      expect(await dumpSchema(connection)).toBe('')
    }))

  it('U3: stops at the version that is asked for', () =>
    inDatabase(async (connection) => {
      const result = await migrateUp(connection, SET, { to: '20260102000000' })
      expect(versions(result)).toEqual(['20260101000000', '20260102000000'])
      expect(result.version).toBe('20260102000000')
      expect(versions(await migrateUp(connection, SET, { to: '20260101000000' }))).toEqual([])
      await expect(migrateUp(connection, SET, { to: '20260101000001' })).rejects.toBeInstanceOf(
        UnknownVersionError,
      )
    }))

  it('U4: takes two round trips for nothing or one file to do, and one for each further file', () =>
    inDatabase(async (connection) => {
      let trips = 0
      const query = connection.query
      // Counts what goes through the one method that every statement takes.
      connection.query = function count(this: pg.Client, ...parameters: Parameters<typeof query>) {
        trips++
        return Reflect.apply(query, connection, parameters)
      } as typeof query
      const tripsFor = async (to: string): Promise<number> => {
        trips = 0
        await migrateUp(connection, SET, { to })
        return trips
      }
      expect(await tripsFor('20260101000000')).toBe(2)
      expect(await tripsFor('20260101000000')).toBe(2)
      expect(await tripsFor('20260102000000')).toBe(2)
      await migrateDown(connection, SET, { steps: 2 })
      expect(await tripsFor('20260102000000')).toBe(3)
    }))

  it('U5: says nothing on the way: no server notice, also where the ledger exists', () =>
    inDatabase(async (connection) => {
      const notices: string[] = []
      connection.on('notice', ({ message }) => notices.push(message ?? ''))
      await connection.query('CREATE SCHEMA tenantry')
      await migrateUp(connection, SET)
      await migrateDown(connection, SET, { steps: 3 })
      expect(notices).toEqual([])
    }))

  it('U6: applies a file that came late, with a notice', () =>
    inDatabase(async (connection) => {
      const late = '20260101120000_late.sql'
      await migrateUp(connection, SET)
      const events: MigrationEvent[] = []
      const set = setOf({ ...FILES, [late]: '-- migrate:up\nCREATE TABLE late ();' })
      const result = await migrateUp(connection, set, { log: (event) => events.push(event) })
      expect(versions(result)).toEqual(['20260101120000'])
      expect(result.version).toBe('20260103000000')
      expect(result.notices).toEqual([expect.stringContaining(`${late} is older than 20260103000000`)])
      expect(events.map(({ kind }) => kind)).toEqual(['notice', 'applied'])
    }))

  it('U7: what a file SETs for the session does not reach the next one', () =>
    inDatabase(async (connection) => {
      await migrateUp(
        connection,
        setOf({
          [NOTES]: `-- migrate:up\nSET search_path = ''; SET lock_timeout = 1; SELECT 1;`,
          [TITLE]: '-- migrate:up\nCREATE TABLE notes (id int);',
        }),
      )
      const { rows } = await connection.query('SHOW lock_timeout')
      expect(rows).toEqual([{ lock_timeout: '2s' }])
      expect(await dumpSchema(connection)).toContain('CREATE TABLE public.notes')
    }))

  it('U8: needs a connection outside of a transaction', () =>
    inDatabase(async (connection) => {
      await connection.query('BEGIN')
      await expect(migrateUp(connection, SET)).rejects.toThrow('outside of a transaction')
      await connection.query('ROLLBACK')
    }))

  it('U9: a file may end in a comment, hold any text, and come without a semicolon', () =>
    inDatabase(async (connection) => {
      const body = `$tenantry$ SELECT 'ü😀;' $tenantry$`
      const up = `-- migrate:up\nCREATE FUNCTION f() RETURNS text LANGUAGE sql\nAS ${body} -- end`
      await migrateUp(
        connection,
        setOf({ [NOTES]: up, [TITLE]: '-- migrate:up\nCREATE TABLE t () /* end */' }),
      )
      const { rows } = await connection.query('SELECT f()')
      expect(rows).toEqual([{ f: 'ü😀;' }])
    }))
})

describe('a file that fails', () => {
  it('E1: leaves nothing of itself, keeps the files before it, and can be mended and run again', () =>
    inDatabase(async (connection) => {
      const broken = '-- migrate:up\nCREATE TABLE half ();\nALTER TABLE nowhere ADD COLUMN a int;\n'
      const error = await failureOf(migrateUp(connection, setOf({ ...FILES, [TITLE]: broken })))
      expect(error.failure).toMatchObject({
        version: '20260102000000',
        fileName: TITLE,
        direction: 'up',
        line: 3,
        sqlState: '42P01',
        statement: 'ALTER TABLE nowhere ADD COLUMN a int',
      })
      expect(await dumpSchema(connection)).not.toContain('half')
      expect(await schemaVersionOf(connection)).toBe('20260101000000')
      expect(versions(await migrateUp(connection, SET))).toEqual(['20260102000000', '20260103000000'])
    }))

  it('E2: is shown with a caret under the place that the server names, whatever stands before it', () =>
    inDatabase(async (connection) => {
      const up = '-- 😀 first\n-- migrate:up\nSELECT 1;\n\nSELECT 1,\n\t"😀" + nothing\nFROM pg_class;\n'
      const { message } = await failureOf(
        migrateUp(connection, setOf({ [NOTES]: up.replace('"😀" +', "'😀',") })),
      )
      expect(message.split('\n')).toEqual([
        `${NOTES}:6: up failed: column "nothing" does not exist (SQLSTATE 42703)`,
        '4 |',
        '5 | SELECT 1,',
        "6 |  '😀', nothing",
        '  |       ^',
      ])
    }))

  it('E3: without a position, the failing statement is found by counting', () =>
    inDatabase(async (connection) => {
      const up =
        '-- migrate:up\nCREATE TABLE t (a int UNIQUE);\nINSERT INTO t VALUES (1);\n\n' +
        '-- again\nINSERT INTO t\n  VALUES (1);\n'
      const error = await failureOf(migrateUp(connection, setOf({ [NOTES]: up })))
      expect(error.failure).toMatchObject({
        line: 6,
        sqlState: '23505',
        statement: 'INSERT INTO t\n  VALUES (1)',
      })
      expect(error.message).toContain(`${NOTES}:6: up failed: duplicate key value`)
      // Row values are personal data and this text is logged.
      expect(error.message).not.toContain('(a)=(1)')
    }))

  it('E4: a syntax error stops the file before anything of it runs', () =>
    inDatabase(async (connection) => {
      const error = await failureOf(
        migrateUp(connection, setOf({ [NOTES]: '-- migrate:up\nSELECT 1;\nCRATE TABLE t ();' })),
      )
      expect(error.failure).toMatchObject({ line: 3, sqlState: '42601' })
      expect(error.failure.excerpt).toBe('1 | -- migrate:up\n2 | SELECT 1;\n3 | CRATE TABLE t ();\n  | ^')
    }))

  it('E5: a deferred constraint fails at the commit, which no line stands for', () =>
    inDatabase(async (connection) => {
      const up =
        '-- migrate:up\nCREATE TABLE t (a int UNIQUE DEFERRABLE INITIALLY DEFERRED);\n' +
        'INSERT INTO t VALUES (1), (1);'
      const error = await failureOf(migrateUp(connection, setOf({ [NOTES]: up })))
      expect(error.failure).toMatchObject({ line: undefined, sqlState: '23505', excerpt: '' })
      expect(await dumpSchema(connection)).toBe('')
    }))

  it('E6: the hint of the server is passed on', () =>
    inDatabase(async (connection) => {
      const up = `-- migrate:up\nCREATE TYPE mood AS ENUM ('a');\n-- migrate:down\nDROP TYPE mood;`
      const add = `-- migrate:up\nALTER TYPE mood ADD VALUE 'b';\nCREATE TABLE t (m mood DEFAULT 'b');`
      const error = await failureOf(migrateUp(connection, setOf({ [NOTES]: up, [TITLE]: add })))
      expect(error.message).toContain('hint: New enum values must be committed before they can be used.')
    }))

  it('E7: a file that ends its transaction past the parser’s check is reported and stays "started"', () =>
    inDatabase(async (connection) => {
      // With this off, the server reads the backslashes differently from the standard, and from us.
      await connection.query('SET standard_conforming_strings = off; SET client_min_messages = error')
      const set = setOf({ [NOTES]: `-- migrate:up\nCREATE TABLE t ();\nSELECT '\\''; COMMIT; SELECT '\\'';` })
      const error = await failureOf(migrateUp(connection, set))
      expect(error.message).toContain('the file ended the transaction that it ran in')
      expect((await migrationStatus(connection, set)).migrations).toMatchObject([{ state: 'started' }])
    }))

  it('E8: a lost connection is reported with the statement that ran, and nothing remains', () =>
    inDatabase(async (connection, url) => {
      const set = setOf({
        [NOTES]: '-- migrate:up\nCREATE TABLE t ();\nSELECT pg_terminate_backend(pg_backend_pid());',
      })
      const error = await failureOf(migrateUp(connection, set))
      expect(error.failure).toMatchObject({ line: 3, sqlState: '57P01' })
      await connect(url, async (other) => {
        expect((await migrationStatus(other, set)).migrations).toMatchObject([{ state: 'pending' }])
        expect(versions(await migrateUp(other, SET))).toHaveLength(3)
      })
    }))
})

describe('the state of the database', () => {
  it('L6: an edited file is refused with both hashes before anything runs, up and down', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, SET, { to: '20260101000000' })
      const edited = setOf({ ...FILES, [NOTES]: `${FILES[NOTES]}-- edited\n` })
      for (const run of [migrateUp, migrateDown]) {
        const error = await run(connection, edited).catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(ChecksumMismatchError)
        expect(String(error)).toContain(NOTES)
        expect(String(error)).toContain(SET.files[0]?.checksum)
        expect(String(error)).toContain(edited.files[0]?.checksum)
      }
      expect(await schemaVersionOf(connection)).toBe('20260101000000')
    }))

  it('L5: a database newer than every file is refused', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, SET)
      const older = setOf({ [NOTES]: FILES[NOTES] })
      await expect(migrateUp(connection, older)).rejects.toThrow(
        'has 20260102000000, 20260103000000, and the newest file here is 20260101000000',
      )
      await expect(migrateUp(connection, older)).rejects.toBeInstanceOf(DatabaseNewerError)
      await expect(migrateDown(connection, older)).rejects.toBeInstanceOf(DatabaseNewerError)
    }))

  it('L5: a missing file that is not the newest is refused too', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, SET)
      const { [TITLE]: _, ...rest } = FILES
      const error = await migrateUp(connection, setOf(rest)).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(MissingMigrationFileError)
      expect(error).toMatchObject({ versions: ['20260102000000'] })
    }))

  it('L3: eight engines that start at once end well, and each file is applied once', () =>
    inDatabase(async (connection, url) => {
      const start = Promise.withResolvers<void>()
      const engines = Array.from({ length: 8 }, () =>
        connect(url, async (own) => {
          await start.promise
          return versions(await migrateUp(own, SET))
        }),
      )
      start.resolve()
      const applied = await Promise.all(engines)
      expect(applied.flat().sort()).toEqual(SET.files.map(({ version }) => version))
      expect(await migrationHistory(connection)).toHaveLength(3)
    }))
})

describe('migrateDown', () => {
  it('D1: takes back the newest file, and the given number of them', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, SET)
      expect(versions(await migrateDown(connection, SET))).toEqual(['20260103000000'])
      const result = await migrateDown(connection, SET, { steps: 99 })
      expect(versions(result)).toEqual(['20260102000000', '20260101000000'])
      expect(result.version).toBeUndefined()
      expect(await dumpSchema(connection)).toBe('')
      expect(versions(await migrateDown(connection, SET))).toEqual([])
    }))

  it('D2: takes back everything newer than a version', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, SET)
      const result = await migrateDown(connection, SET, { to: '20260101000000' })
      expect(versions(result)).toEqual(['20260103000000', '20260102000000'])
      expect(result.version).toBe('20260101000000')
      await expect(migrateDown(connection, SET, { to: '20200101000000' })).rejects.toBeInstanceOf(
        UnknownVersionError,
      )
    }))

  it('D3: takes back exactly the versions of one run', () =>
    inDatabase(async (connection) => {
      const late = '20260101120000_late.sql'
      await migrateUp(connection, SET)
      const set = setOf({
        ...FILES,
        [late]: '-- migrate:up\nCREATE TABLE late ();\n-- migrate:down\nDROP TABLE late;',
      })
      const run = versions(await migrateUp(connection, set))
      const result = await migrateDown(connection, set, { versions: run })
      expect(versions(result)).toEqual(['20260101120000'])
      expect(result.version).toBe('20260103000000')
      expect(versions(await migrateDown(connection, set, { versions: run }))).toEqual([])
    }))

  it('D4: a file without a way back stops all of the call before anything runs', () =>
    inDatabase(async (connection) => {
      const set = setOf({ ...FILES, [TITLE]: '-- migrate:up\nALTER TABLE notes ADD COLUMN title text;' })
      await migrateUp(connection, set)
      await expect(migrateDown(connection, set, { steps: 2 })).rejects.toBeInstanceOf(
        IrreversibleMigrationError,
      )
      expect(await schemaVersionOf(connection)).toBe('20260103000000')
      expect(versions(await migrateDown(connection, set))).toEqual(['20260103000000'])
    }))

  it('D5: a failing way back leaves the file applied', () =>
    inDatabase(async (connection) => {
      const down = '-- migrate:down\nDROP TABLE notes;\nDROP TABLE nowhere;'
      const set = setOf({ [NOTES]: `-- migrate:up\nCREATE TABLE notes ();\n${down}` })
      await migrateUp(connection, set)
      const error = await failureOf(migrateDown(connection, set))
      expect(error.failure).toMatchObject({ direction: 'down', line: 5, sqlState: '42P01' })
      expect((await migrationStatus(connection, set)).migrations).toMatchObject([{ state: 'applied' }])
      expect(await dumpSchema(connection)).toContain('public.notes')
    }))

  it('D6: refuses what cannot be meant', () =>
    inDatabase(async (connection) => {
      await expect(migrateDown(connection, SET, { steps: 0 })).rejects.toBeInstanceOf(RangeError)
      await expect(migrateDown(connection, SET, { steps: Number.NaN })).rejects.toBeInstanceOf(RangeError)
      await expect(migrateDown(connection, SET, { steps: 1, to: '20260101000000' })).rejects.toThrow(
        'give one of',
      )
    }))

  it('D7: up, down and up again give the same schema at every version', () =>
    inDatabase(async (connection) => {
      const dumps: string[] = []
      for (const { version } of SET.files) {
        await migrateUp(connection, SET, { to: version })
        dumps.push(await dumpSchema(connection))
      }
      for (const dump of dumps.toReversed().slice(1)) {
        await migrateDown(connection, SET)
        expect(await dumpSchema(connection)).toBe(dump)
      }
      await migrateUp(connection, SET)
      expect(await dumpSchema(connection)).toBe(dumps.at(-1))
    }))
})
