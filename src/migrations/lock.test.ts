import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../test/support/databases.ts'
import { MAINTENANCE_TIMEOUTS, withConnection } from '../platform/index.ts'
import { MigrationFailedError, MigrationLockedError } from './errors.ts'
import { migrationSet } from './files.ts'
import { withMigrationLock } from './lock.ts'
import { migrateUp } from './migrate.ts'
import type { MigrationEvent } from './options.ts'
import { settingsOf } from './options.ts'
import { parseMigration } from './parse.ts'
import { runAlone } from './run-alone.ts'
import { runInTransaction } from './run-in-transaction.ts'
import { migrationHistory, schemaVersionOf } from './status.ts'

const TABLE = parseMigration('20260101000000_table.sql', '-- migrate:up\nCREATE TABLE notes ();')
const ALTER = parseMigration(
  '20260102000000_alter.sql',
  '-- migrate:up\nCREATE TABLE other ();\nALTER TABLE notes ADD COLUMN a int;',
)
const SET = migrationSet([TABLE, ALTER])
const VACUUM = parseMigration('20260104000000_vacuum.sql', '-- migrate:up transaction:false\nVACUUM notes;')

async function inDatabase(
  work: (connection: pg.Client, other: pg.Client, url: string) => Promise<void>,
): Promise<void> {
  const { url, drop } = await createTestDatabase()
  try {
    await connect(url, (connection) => connect(url, (other) => work(connection, other, url)))
  } finally {
    await drop()
  }
}

function connect<T>(url: string, work: (connection: pg.Client) => Promise<T>): Promise<T> {
  return withConnection({ url, applicationName: 'lock tests', timeouts: MAINTENANCE_TIMEOUTS }, work)
}

const holdLock = <T>(connection: pg.Client, work: () => Promise<T>): Promise<T> =>
  withMigrationLock(connection, settingsOf({}), work)

async function lockCount(connection: pg.Client): Promise<number> {
  const { rows } = await connection.query(
    `SELECT FROM pg_locks WHERE locktype = 'advisory'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  )
  return rows.length
}

describe('the migration lock', () => {
  it.each([0, 30])(
    'K1: held elsewhere longer than %i ms: MigrationLockedError that names the holder',
    (lockTimeoutMs) =>
      inDatabase(async (connection, other) => {
        await holdLock(other, async () => {
          const error = await migrateUp(connection, SET, { lockTimeoutMs }).catch((thrown: unknown) => thrown)
          expect(error).toBeInstanceOf(MigrationLockedError)
          const { rows } = await other.query('SELECT pg_backend_pid() AS pid')
          expect(error).toMatchObject({ holder: { ...rows[0], applicationName: 'lock tests' } })
          expect(String(error)).toContain(`backend ${rows[0]?.pid}, lock tests`)
        })
        expect(await schemaVersionOf(connection)).toBeUndefined()
      }),
  )

  it('K2: waits for the holder and then goes on from where that one came to', () =>
    inDatabase(async (connection, other) => {
      const held = Promise.withResolvers<void>()
      const waiting = Promise.withResolvers<void>()
      const first = holdLock(other, () => {
        held.resolve()
        return waiting.promise
      })
      await held.promise
      const events: MigrationEvent[] = []
      const log = (event: MigrationEvent): void => {
        events.push(event)
        waiting.resolve()
      }
      const second = await migrateUp(connection, SET, { log })
      await first
      expect(second.changed).toHaveLength(2)
      expect(events.map(({ kind }) => kind)).toEqual(['waiting', 'applied', 'applied'])
    }))

  it('K3: is given back after success, failure, nothing to do and refusal', () =>
    inDatabase(async (connection, other) => {
      await migrateUp(connection, migrationSet([TABLE]))
      expect(await lockCount(other)).toBe(0)
      await migrateUp(connection, migrationSet([TABLE]))
      expect(await lockCount(other)).toBe(0)
      const broken = parseMigration('20260102000000_broken.sql', '-- migrate:up\nSELECT nothing;')
      await expect(migrateUp(connection, migrationSet([TABLE, broken]))).rejects.toBeInstanceOf(
        MigrationFailedError,
      )
      expect(await lockCount(other)).toBe(0)
      await expect(migrateUp(connection, migrationSet([]))).rejects.toThrow('newer')
      expect(await lockCount(other)).toBe(0)
    }))

  it('K4: is not left behind when the ledger cannot be read', () =>
    inDatabase(async (connection, other) => {
      await connection.query('CREATE SCHEMA tenantry; CREATE TABLE tenantry.migration_history (run_id uuid)')
      await expect(migrateUp(connection, SET)).rejects.toMatchObject({ code: '42P01' })
      expect(await lockCount(other)).toBe(0)
      expect(connection.getTransactionStatus()).toBe('I')
    }))

  it('K5: databases do not wait for each other', () =>
    inDatabase((connection) =>
      inDatabase(async (other) => {
        await holdLock(other, () => migrateUp(connection, SET, { lockTimeoutMs: 0 }))
        expect(await schemaVersionOf(connection)).toBe(SET.latest)
      }),
    ))

  it('K6: without its protection (a pooler between), the claim still lets each file run once', () =>
    inDatabase(async (connection, other) => {
      await migrateUp(connection, SET)
      const run = {
        connection: other,
        lock: { entries: [], released: true },
        settings: settingsOf({}),
        isLast: false,
      }
      const again = { ...run, migration: TABLE, direction: 'up', section: TABLE.up } as const
      expect(await runInTransaction(again)).toBeUndefined()
      expect(await migrationHistory(connection)).toHaveLength(2)
      expect(other.getTransactionStatus()).toBe('I')

      const alone = { ...again, migration: VACUUM, section: VACUUM.up } as const
      expect(await runAlone(alone, undefined)).toEqual(expect.any(Number))
      expect(await runAlone(alone, undefined)).toBeUndefined()
      expect(other.getTransactionStatus()).toBe('I')

      const absent = parseMigration(
        '20260103000000_no.sql',
        '-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;',
      )
      const back = {
        ...run,
        migration: absent,
        direction: 'down',
        section: absent.down ?? absent.up,
      } as const
      expect(await runInTransaction(back)).toBeUndefined()
    }))
})

describe('a table that others use', () => {
  it('L7: is waited for shortly, a few times; then the file fails and nothing of it remains', () =>
    inDatabase(async (connection, other) => {
      await migrateUp(connection, migrationSet([TABLE]))
      await other.query('BEGIN; SELECT * FROM notes')
      const events: MigrationEvent[] = []
      const log = (event: MigrationEvent): void => void events.push(event)
      const error = await migrateUp(connection, SET, { tableLockTimeoutMs: 20, log }).catch(
        (thrown: unknown) => thrown,
      )
      expect(error).toMatchObject({ failure: { line: 3, sqlState: '55P03' } })
      expect(events.map(({ kind }) => kind)).toEqual(['retrying', 'retrying', 'retrying'])
      await other.query('COMMIT')
      const { rows } = await other.query(`SELECT to_regclass('other') AS other`)
      expect(rows).toEqual([{ other: null }])
      expect(await lockCount(other)).toBe(0)
    }))

  it('L7: once it is free, the next try succeeds', () =>
    inDatabase(async (connection, other) => {
      await migrateUp(connection, migrationSet([TABLE]))
      await other.query('BEGIN; SELECT * FROM notes')
      let freed: Promise<unknown> = Promise.resolve()
      const log = ({ kind }: MigrationEvent): void => {
        if (kind === 'retrying') freed = other.query('COMMIT')
      }
      const { changed } = await migrateUp(connection, SET, { tableLockTimeoutMs: 20, log })
      await freed
      expect(changed).toMatchObject([{ version: '20260102000000' }])
    }))
})
