import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startPlatform, type TestPlatform } from '../../test/support/platform.ts'
import { countCoreQueries, inCore } from '../../test/support/rows.ts'
import { checksumUpTo, type MigrationSet, migrationSet, printMigration } from '../migrations/index.ts'
import { parseMigration } from '../migrations/parse.ts'
import { planFleet } from './plan.ts'
import { fleetStatus } from './status.ts'
import { listFleet } from './tenants/store.ts'

const [FIRST, SECOND, THIRD] = ['20260101000000', '20260102000000', '20260103000000'] as const

let test: TestPlatform
beforeAll(async () => {
  test = await startPlatform({ env: { SPARE_DATABASES: '0' } })
})
afterEach(() => inCore(test.platform, sql`DELETE FROM tenants`))
afterAll(() => test.close())

function files(...versions: readonly string[]): MigrationSet {
  const text = printMigration({ up: { sql: 'SELECT 1' } })
  return migrationSet(versions.map((version) => parseMigration(`${version}_step.sql`, text)))
}

const ALL = files(FIRST, SECOND, THIRD)

interface Row {
  readonly status?: string
  readonly version: string | null
  readonly applied: number
  readonly checksum?: string | null
  readonly drift?: { readonly differences: readonly string[]; readonly more: number }
}

/** Enters so many tenants that are alike, without databases. */
async function enter(
  { status = 'active', version, applied, checksum, drift }: Row,
  count = 1,
): Promise<void> {
  const text = checksum === undefined ? checksumUpTo(ALL, version ?? '') : checksum
  await inCore(
    test.platform,
    sql`INSERT INTO tenants (id, server_id, database_name, status, schema_version, migrations_applied, schema_checksum,
          schema_drift, schema_checked_at)
        SELECT id, (SELECT id FROM servers LIMIT 1), 'none_' || id, ${status}, ${version}, ${applied}, ${text},
          ${drift ? JSON.stringify(drift) : null}::jsonb, ${drift ? '2026-01-02T03:04:05.678Z' : null}::timestamptz
        FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, ${count})) AS made`,
  )
}

const exceptions = async (set: MigrationSet) =>
  (await fleetStatus(test.platform.core, set)).exceptions.map(({ code, tenants }) => `${code} ${tenants}`)

describe('the state of the fleet', () => {
  it.each<[string, Row, MigrationSet, readonly string[]]>([
    ['nothing wrong', { version: THIRD, applied: 3 }, ALL, []],
    ['no checksum yet', { version: THIRD, applied: 3, checksum: null }, ALL, []],
    ['behind', { version: SECOND, applied: 2 }, ALL, ['behind 1']],
    ['behind by a file that came late', { version: THIRD, applied: 2 }, ALL, ['behind 1']],
    ['edited', { version: THIRD, applied: 3, checksum: 'other' }, ALL, ['edited 1']],
    ['a file in the middle is gone', { version: THIRD, applied: 3 }, files(FIRST, THIRD), ['missing 1']],
    [
      'the same where no checksum is known',
      { version: THIRD, applied: 3, checksum: null },
      files(FIRST, THIRD),
      ['missing 1'],
    ],
    [
      'the newest that it holds is gone',
      { version: SECOND, applied: 2 },
      files(FIRST, THIRD),
      ['behind 1', 'missing 1'],
    ],
    [
      'the newest that it holds is gone, and it lacks another',
      { version: SECOND, applied: 1 },
      files(FIRST, THIRD),
      ['behind 1', 'missing 1'],
    ],
    ['newer', { version: THIRD, applied: 3 }, files(FIRST, SECOND), ['newer 1']],
  ])('tells by the core database alone: %s', async (_, row, set, expected) => {
    await enter(row)
    expect(await exceptions(set)).toEqual(expected)
  })

  it('names drifted tenants, with what differed when', async () => {
    const drift = { differences: ['table notes: column colour only here'], more: 2 }
    await enter({ version: THIRD, applied: 3, drift })
    await enter({ version: THIRD, applied: 3 })
    const { exceptions: found, neverChecked } = await fleetStatus(test.platform.core, ALL)
    expect(found).toMatchObject([
      { code: 'drifted', tenants: 1, drifts: [{ as_of: '2026-01-02T03:04:05.678Z', ...drift }] },
    ])
    expect(found[0]?.drifts?.[0]?.id).toBe(found[0]?.examples[0])
    expect(neverChecked).toBe(1)
  })

  it('counts births that failed apart from those that go on', async () => {
    await enter({ status: 'provisioning', version: null, applied: 0 }, 2)
    await enter({ status: 'failed', version: null, applied: 0 })
    const status = await fleetStatus(test.platform.core, ALL)
    expect(status).toMatchObject({ tenants: 0, unfinished: 2, failedBirths: 1, exceptions: [] })
  })

  it('of 10,000 tenants is one query, and a few rows', async () => {
    await enter({ version: THIRD, applied: 3 }, 9_900)
    await enter({ version: SECOND, applied: 2, drift: { differences: ['table x: only here'], more: 0 } }, 100)
    const counter = countCoreQueries(test.platform)
    const status = await fleetStatus(test.platform.core, ALL)
    counter.stop()
    expect(counter.count).toBe(1)
    expect(status).toMatchObject({ tenants: 10_000, behind: 100, neverChecked: 9_900 })
    expect(status.exceptions.map(({ code, tenants }) => [code, tenants])).toEqual([
      ['behind', 100],
      ['drifted', 100],
    ])
    for (const { examples, drifts = examples } of status.exceptions)
      expect([examples.length, drifts.length]).toEqual([10, 10])
  })

  it('L5 a plan counts newer tenants apart, and tries those whose files are gone', async () => {
    await enter({ version: THIRD, applied: 3 }, 2)
    const plan = async (set: MigrationSet) => {
      const action = { direction: 'up', to: set.latest ?? '' } as const
      const { tenants, ...counts } = planFleet(await listFleet(test.platform.core), set, action)
      return { turns: tenants.length, ...counts }
    }
    expect(await plan(files(FIRST, SECOND))).toEqual({ turns: 0, upToDate: 0, newer: 2 })
    expect(await plan(files(FIRST, THIRD))).toEqual({ turns: 2, upToDate: 0, newer: 0 })
    expect(await plan(ALL)).toEqual({ turns: 0, upToDate: 2, newer: 0 })
  })
})
