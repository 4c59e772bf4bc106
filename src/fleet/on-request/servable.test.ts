import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startPlatform, type TestPlatform } from '../../../test/support/platform.ts'
import { inCore } from '../../../test/support/rows.ts'
import { migrationSet, printMigration } from '../../migrations/index.ts'
import { parseMigration } from '../../migrations/parse.ts'
import { assertServable, FleetBehindError } from './servable.ts'

const VERSIONS = ['20260101000000', '20260102000000', '20260103000000'] as const
const text = printMigration({ up: { sql: 'SELECT 1' } })
const ALL = migrationSet(VERSIONS.map((version) => parseMigration(`${version}_step.sql`, text)))
const STAGED = { tenantMigrations: 'staged', tenantSchemaWindow: 1 } as const

let test: TestPlatform
beforeAll(async () => {
  test = await startPlatform({ env: { SPARE_DATABASES: '0' } })
})
afterEach(() => inCore(test.platform, sql`DELETE FROM tenants`))
afterAll(() => test.close())

/** Enters so many tenants without databases. */
async function enter(count: number, version: string, applied: number, failures = 0): Promise<void> {
  await inCore(
    test.platform,
    sql`INSERT INTO tenants (id, server_id, database_name, status, schema_version, migrations_applied, migration_failures)
        SELECT id, (SELECT id FROM servers LIMIT 1), 'none_' || id, 'active', ${version}, ${applied}, ${failures}
        FROM (SELECT gen_random_uuid() AS id FROM generate_series(1, ${count})) AS made`,
  )
}

const enterComplete = (count: number) => enter(count, VERSIONS[2], 3)
const enterBehind = (count: number, failures = 0) => enter(count, VERSIONS[0], 1, failures)
const look = (config: Parameters<typeof assertServable>[2] = STAGED) =>
  assertServable(test.platform.core, ALL, config)

describe('L12 the look at the fleet before a program serves it', () => {
  it('counts those out of the window, where they are few', async () => {
    await enterComplete(40)
    await enterBehind(1)
    expect(await look()).toBe(1)
  })

  it('refuses where they are as many as would stop a run', async () => {
    await enterComplete(38)
    await enterBehind(2, 2)
    await expect(look()).rejects.toThrow(/2 of 40 tenants lack more than 1/)
  })

  it('refuses where they are all that there are', async () => {
    await enterBehind(1)
    await expect(look()).rejects.toThrow(FleetBehindError)
  })

  it('is not held up by tenants that fail in every run', async () => {
    await enterComplete(8)
    await enterBehind(2, 3)
    expect(await look()).toBe(2)
  })

  it('sees that no tenant but those that fail in every run can be served', async () => {
    await enterBehind(1)
    await enterBehind(1, 3)
    await expect(look()).rejects.toThrow(FleetBehindError)
  })

  it('sees a tenant that lacks the newest file and holds one that is gone', async () => {
    await enter(1, '20260102111111', 3)
    await expect(look({ ...STAGED, tenantSchemaWindow: 0 })).rejects.toThrow(FleetBehindError)
    expect(await look()).toBe(0)
  })

  it('refuses nothing where tenants are migrated when they are asked for', async () => {
    await enterBehind(3)
    expect(await look({ ...STAGED, tenantMigrations: 'on-request' })).toBe(0)
  })
})
