import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../test/support/databases.ts'
import { MAINTENANCE_TIMEOUTS, withConnection } from '../platform/index.ts'
import { MigrationFailedError } from './errors.ts'
import { migrationSet } from './files.ts'
import { migrateDown, migrateUp } from './migrate.ts'
import type { MigrationSet } from './migration.ts'
import type { MigrationEvent } from './options.ts'
import { parseMigration } from './parse.ts'
import { migrationHistory, migrationStatus } from './status.ts'

const TABLE = parseMigration('20260101000000_table.sql', '-- migrate:up\nCREATE TABLE "Notes" (a int);')
const DOWN = '-- migrate:down transaction:false\nDROP INDEX CONCURRENTLY IF EXISTS notes_a;'

function setWith(statement: string, down = DOWN): MigrationSet {
  const text = `-- migrate:up transaction:false\n${statement};\n${down}\n`
  return migrationSet([TABLE, parseMigration('20260102000000_alone.sql', text)])
}

const INDEX = setWith('CREATE INDEX CONCURRENTLY notes_a ON public."Notes" (a)')
const UNIQUE = setWith('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS notes_a ON "Notes" (a)')

/** The view shows the whole server, and other tests build indexes too. */
const BUILD_THAT_WAITS = `FROM pg_stat_progress_create_index
  WHERE datname = current_database() AND phase LIKE 'waiting for writers%'`

/** A database whose first file is applied. */
async function inDatabase(work: (connection: pg.Client, url: string) => Promise<void>): Promise<void> {
  const { url, drop } = await createTestDatabase()
  try {
    await connect(url, async (connection) => {
      await migrateUp(connection, migrationSet([TABLE]))
      await work(connection, url)
    })
  } finally {
    await drop()
  }
}

function connect<T>(url: string, work: (connection: pg.Client) => Promise<T>): Promise<T> {
  return withConnection({ url, applicationName: 'alone tests', timeouts: MAINTENANCE_TIMEOUTS }, work)
}

async function states(connection: pg.Client, set: MigrationSet): Promise<string[]> {
  return (await migrationStatus(connection, set)).migrations.map(({ state }) => state)
}

/** Whether each index of the table may be used; an empty list when there is none. */
async function validity(connection: pg.Client): Promise<boolean[]> {
  const { rows } = await connection.query(
    `SELECT indisvalid FROM pg_index WHERE indrelid = '"Notes"'::regclass`,
  )
  return rows.map(({ indisvalid }) => indisvalid)
}

/** Asks the server again and again until it says yes; the test's time-out is the limit. */
async function until(connection: pg.Client, question: string): Promise<void> {
  for (let isTrue = false; !isTrue; ) isTrue = (await connection.query(question)).rows.length > 0
}

describe('transaction:false', () => {
  it('A1: builds an index concurrently, records it, and takes it back', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, INDEX)
      expect(await validity(connection)).toEqual([true])
      expect(await states(connection, INDEX)).toEqual(['applied', 'applied'])
      await migrateDown(connection, INDEX)
      expect(await validity(connection)).toEqual([])
      expect((await migrationHistory(connection)).map(({ direction }) => direction)).toEqual([
        'up',
        'up',
        'down',
      ])
      const { rows } = await connection.query('SHOW lock_timeout')
      expect(rows).toEqual([{ lock_timeout: '2s' }])
    }))

  it('L4: after a killed build, the next run drops the INVALID index and builds it again', () =>
    inDatabase(async (writer, url) => {
      await writer.query('BEGIN; INSERT INTO "Notes" VALUES (1)')
      await connect(url, async (observer) => {
        const build = connect(url, (builder) => migrateUp(builder, INDEX)).catch((error: unknown) => error)
        await until(observer, `SELECT ${BUILD_THAT_WAITS}`)
        await observer.query(`SELECT pg_terminate_backend(pid) ${BUILD_THAT_WAITS}`)
        expect(await build).toBeInstanceOf(MigrationFailedError)
        await writer.query('ROLLBACK')
        expect(await states(observer, INDEX)).toEqual(['applied', 'started'])
        expect(await validity(observer)).toEqual([false])

        const events: MigrationEvent[] = []
        await migrateUp(observer, INDEX, { log: (event) => events.push(event) })
        expect(events.map(({ kind }) => kind)).toEqual(['repaired', 'applied'])
        expect(await validity(observer)).toEqual([true])
        expect(await states(observer, INDEX)).toEqual(['applied', 'applied'])
      })
    }))

  it('L4: a build that failed is repaired after its cause is gone, also with IF NOT EXISTS', () =>
    inDatabase(async (connection) => {
      await connection.query('INSERT INTO "Notes" VALUES (1), (1)')
      const error = await migrateUp(connection, UNIQUE).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ failure: { line: 2, sqlState: '23505' } })
      expect(await validity(connection)).toEqual([false])
      expect(await states(connection, UNIQUE)).toEqual(['applied', 'started'])

      await connection.query('DELETE FROM "Notes"')
      await migrateUp(connection, UNIQUE)
      expect(await validity(connection)).toEqual([true])
      expect(await states(connection, UNIQUE)).toEqual(['applied', 'applied'])
    }))

  it('L4: a crash between the build and its record needs no second build', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, INDEX)
      await connection.query(
        `UPDATE tenantry.migrations SET state = 'started' WHERE version = '20260102000000'`,
      )
      const before = await connection.query(`SELECT 'notes_a'::regclass::oid AS oid`)
      await migrateUp(connection, INDEX)
      expect(await states(connection, INDEX)).toEqual(['applied', 'applied'])
      expect((await connection.query(`SELECT 'notes_a'::regclass::oid AS oid`)).rows).toEqual(before.rows)
    }))

  it('L4: a file that was only started may be edited, and may be taken back', () =>
    inDatabase(async (connection) => {
      await connection.query('INSERT INTO "Notes" VALUES (1), (1)')
      await migrateUp(connection, UNIQUE).catch(() => undefined)
      await migrateUp(connection, INDEX)
      expect(await validity(connection)).toEqual([true])

      await connection.query(
        `UPDATE tenantry.migrations SET state = 'started' WHERE version = '20260102000000'`,
      )
      const { changed } = await migrateDown(connection, INDEX)
      expect(changed).toMatchObject([{ version: '20260102000000' }])
      expect(await validity(connection)).toEqual([])
      expect(await states(connection, INDEX)).toEqual(['applied', 'pending'])
    }))

  it('A2: somebody else’s index of that name fails the file each time, and stays', () =>
    inDatabase(async (connection) => {
      await connection.query('CREATE INDEX notes_a ON "Notes" (a)')
      for (const _ of [1, 2]) {
        await expect(migrateUp(connection, INDEX)).rejects.toMatchObject({ failure: { sqlState: '42P07' } })
        expect(await states(connection, INDEX)).toEqual(['applied', 'pending'])
        expect(await validity(connection)).toEqual([true])
      }
    }))

  it('A3: other statements that may not run in a transaction', () =>
    inDatabase(async (connection) => {
      const set = setWith('VACUUM (ANALYZE) "Notes"', '-- migrate:down transaction:false\nVACUUM "Notes"')
      await migrateUp(connection, set)
      await migrateDown(connection, set)
      expect(await states(connection, set)).toEqual(['applied', 'pending'])
    }))

  it('A4: waits as long as it must to build concurrently, but not for a lock that holds up others', () =>
    inDatabase(async (writer, url) => {
      await writer.query('BEGIN; INSERT INTO "Notes" VALUES (1)')
      await connect(url, async (observer) => {
        const vacuum = setWith('VACUUM FULL "Notes"')
        const failing = migrateUp(observer, vacuum, { tableLockTimeoutMs: 10 })
        await expect(failing).rejects.toMatchObject({ failure: { sqlState: '55P03' } })
        expect(await states(observer, vacuum)).toEqual(['applied', 'started'])

        const build = connect(url, (builder) => migrateUp(builder, INDEX, { tableLockTimeoutMs: 1 }))
        await until(observer, `SELECT ${BUILD_THAT_WAITS}`)
        await writer.query('COMMIT')
        await build
        expect(await validity(observer)).toEqual([true])
      })
    }))

  it('A5: engines that wait for the lock do not deadlock with a build that waits for old snapshots', () =>
    inDatabase(async (writer, url) => {
      await writer.query('BEGIN; INSERT INTO "Notes" VALUES (1)')
      await connect(url, async (observer) => {
        const first = connect(url, (own) => migrateUp(own, INDEX))
        await until(observer, `SELECT ${BUILD_THAT_WAITS}`)
        const waiting = Promise.withResolvers<void>()
        const second = connect(url, (own) => migrateUp(own, INDEX, { log: () => waiting.resolve() }))
        await waiting.promise
        await writer.query('COMMIT')
        const done = await Promise.all([first, second])
        expect(done.flatMap(({ changed }) => changed)).toHaveLength(1)
      })
    }))
})
