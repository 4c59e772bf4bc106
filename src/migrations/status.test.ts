import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../test/support/databases.ts'
import { MAINTENANCE_TIMEOUTS, withConnection } from '../platform/index.ts'
import { migrationSet } from './files.ts'
import { migrateDown, migrateUp } from './migrate.ts'
import { parseMigration } from './parse.ts'
import { migrationHistory, migrationStatus, schemaVersionOf } from './status.ts'

const [a, b, c] = ['a', 'b', 'c'].map((name, index) =>
  parseMigration(
    `2026010${index + 1}000000_${name}.sql`,
    '-- migrate:up\nSELECT 1;\n-- migrate:down\nSELECT 1;',
  ),
)
const SET = migrationSet([a, b, c].flatMap((file) => file ?? []))

async function inDatabase(work: (connection: pg.Client) => Promise<void>): Promise<void> {
  const { url, drop } = await createTestDatabase()
  try {
    await withConnection({ url, applicationName: 'status tests', timeouts: MAINTENANCE_TIMEOUTS }, work)
  } finally {
    await drop()
  }
}

describe('migrationStatus', () => {
  it('Q1: without a ledger everything is pending, and nothing is created', () =>
    inDatabase(async (connection) => {
      const status = await migrationStatus(connection, SET)
      expect(status).toEqual({
        current: undefined,
        applied: [],
        migrations: SET.files.map(({ version, name }) => ({ version, name, state: 'pending' })),
      })
      expect(await schemaVersionOf(connection)).toBeUndefined()
      expect(await migrationHistory(connection)).toEqual([])
      const { rows } = await connection.query(`SELECT FROM pg_namespace WHERE nspname = 'tenantry'`)
      expect(rows).toEqual([])
    }))

  it('Q2: tells applied, pending, edited, started and missing files apart', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, SET, { to: '20260102000000' })
      await connection.query(
        `INSERT INTO tenantry.migrations (version, name, checksum, state)
         VALUES ('20260101120000', 'gone', 'x', 'applied'), ('20260103000000', 'c', 'x', 'started'),
           ('20270101000000', 'newer', 'x', 'applied')`,
      )
      const edited = parseMigration('20260101000000_a.sql', '-- migrate:up\nSELECT 2;')
      const later = parseMigration('20260104000000_d.sql', '-- migrate:up\nSELECT 1;')
      const set = migrationSet([edited, ...SET.files.slice(1), later])
      const { current, migrations } = await migrationStatus(connection, set)
      expect(migrations.map(({ name, state }) => [name, state])).toEqual([
        ['a', 'edited'],
        ['gone', 'missing'],
        ['b', 'applied'],
        ['c', 'started'],
        ['d', 'pending'],
        ['newer', 'newer'],
      ])
      expect(migrations.map(({ appliedAt }) => appliedAt instanceof Date)).toEqual([
        true,
        true,
        true,
        false,
        false,
        true,
      ])
      expect(current).toBe('20270101000000')
      expect(await schemaVersionOf(connection)).toBe('20270101000000')
    }))

  it('Q3: history tells what was done, newest last', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, SET)
      await migrateDown(connection, SET, { steps: 2 })
      const history = await migrationHistory(connection)
      expect(history.map(({ direction, name }) => `${direction} ${name}`)).toEqual([
        'up a',
        'up b',
        'up c',
        'down c',
        'down b',
      ])
      for (const { at, durationMs } of history) {
        expect(at).toBeInstanceOf(Date)
        expect(durationMs).toBeGreaterThanOrEqual(0)
      }
    }))
})
