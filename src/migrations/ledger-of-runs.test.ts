import type pg from 'pg'
import { describe, expect, it } from 'vitest'
import { createTestDatabase } from '../../test/support/databases.ts'
import { MAINTENANCE_TIMEOUTS, newId, withConnection } from '../platform/index.ts'
import { checksumOf, checksumUpTo } from './applied.ts'
import { migrationSet } from './files.ts'
import { migrateDown, migrateUp } from './migrate.ts'
import { parseMigration } from './parse.ts'
import { migrationStatus } from './status.ts'

const TABLES = ['one', 'two', 'three']
const SET = migrationSet(
  TABLES.map((name, index) =>
    parseMigration(
      `2026010${index + 1}000000_${name}.sql`,
      `-- migrate:up\nCREATE TABLE ${name} ();\n-- migrate:down\nDROP TABLE ${name};\n`,
    ),
  ),
)
const [FIRST = '', SECOND = '', THIRD = ''] = SET.files.map(({ version }) => version)

async function inDatabase(work: (connection: pg.Client) => Promise<void>): Promise<void> {
  const { url, drop } = await createTestDatabase()
  const options = { url, applicationName: 'ledger of runs', timeouts: MAINTENANCE_TIMEOUTS }
  try {
    await withConnection(options, work)
  } finally {
    await drop()
  }
}

const versionsOf = ({ changed }: { changed: readonly { version: string }[] }) =>
  changed.map(({ version }) => version)

describe('a ledger', () => {
  it('knows what a run has applied, also for one that comes after a crash and has nothing to do', () =>
    inDatabase(async (connection) => {
      const runId = newId()
      await migrateUp(connection, SET, { to: FIRST })
      await migrateUp(connection, SET, { to: SECOND, runId })
      const { applied } = await migrateUp(connection, SET, { to: SECOND, runId })
      expect(applied.map((one) => [one.version, one.runId])).toEqual([
        [FIRST, undefined],
        [SECOND, runId],
      ])
      expect((await migrationStatus(connection, SET)).applied).toEqual(applied)
    }))

  it('lets exactly that be taken back, newest first', () =>
    inDatabase(async (connection) => {
      const [runId, other] = [newId(), newId()]
      await migrateUp(connection, SET, { to: FIRST })
      await migrateUp(connection, SET, { to: SECOND, runId: other })
      await migrateUp(connection, SET, { runId })
      expect(versionsOf(await migrateDown(connection, SET, { ofRun: runId }))).toEqual([THIRD])
      expect(versionsOf(await migrateDown(connection, SET, { ofRun: runId }))).toEqual([])
      expect(versionsOf(await migrateDown(connection, SET, { ofRun: other }))).toEqual([SECOND])
    }))

  it('of an earlier release is read as it is, and gets what it lacks with the next migration', () =>
    inDatabase(async (connection) => {
      await migrateUp(connection, SET, { to: FIRST })
      await connection.query(`ALTER TABLE tenantry.migrations DROP COLUMN run_id;
        ALTER TABLE tenantry.migration_history DROP COLUMN run_id`)
      expect((await migrationStatus(connection, SET)).current).toBe(FIRST)
      const runId = newId()
      const { applied } = await migrateUp(connection, SET, { to: SECOND, runId })
      expect(applied.at(-1)).toMatchObject({ version: SECOND, runId })
    }))

  it('gives one checksum, which is that of the files as long as none was edited', () =>
    inDatabase(async (connection) => {
      const { applied } = await migrateUp(connection, SET, { to: SECOND })
      expect(checksumOf(applied)).toBe(checksumUpTo(SET, SECOND))
      const [first] = SET.files
      const edited = {
        ...SET,
        files: SET.files.map((file) => (file === first ? { ...file, checksum: '0' } : file)),
      }
      expect(checksumOf(applied)).not.toBe(checksumUpTo(edited, SECOND))
    }))
})

describe('a guard', () => {
  it('that refuses ends the call before anything is changed, and gives the lock back', () =>
    inDatabase(async (connection) => {
      const guard = () => Promise.reject(new Error('taken over'))
      await expect(migrateUp(connection, SET, { guard })).rejects.toThrow('taken over')
      expect((await migrationStatus(connection, SET)).applied).toEqual([])
      await migrateUp(connection, SET, { lockTimeoutMs: 0 })
      await expect(migrateDown(connection, SET, { guard })).rejects.toThrow('taken over')
      expect((await migrationStatus(connection, SET)).applied).toHaveLength(TABLES.length)
    }))
})
