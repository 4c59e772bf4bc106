import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createFleet, createSchemaPolicy, type MigrationAction } from '../../src/fleet/index.ts'
import type { MigrationSet } from '../../src/migrations/index.ts'
import { type Clock, systemClock } from '../../src/platform/index.ts'
import type { Tenancy, TenantDb } from '../../src/tenancy/index.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { tenancyWith, withMigration } from '../support/own-migrations.ts'

const VERSION = '20990101000000'
/** Whoever holds it migrates the database. */
const MIGRATION_LOCK = '8387227955466269561'

let test: CheckedPlatform
let newer: MigrationSet
let broken: MigrationSet
const opened: Tenancy[] = []

beforeAll(async () => {
  test = await startCheckedPlatform({ env: { SPARE_DATABASES: '0' } })
  newer = await withMigration(VERSION, 'CREATE TABLE IF NOT EXISTS notes (body text)')
  broken = await withMigration(VERSION, 'SELECT * FROM nowhere_at_all')
})
afterEach(async () => {
  for (const tenancy of opened.splice(0)) await tenancy.close()
})
afterAll(() => test.close())

/** Another process, with newer migrations. */
function processWith(
  migrations: MigrationSet,
  tenantMigrations: 'staged' | 'on-request',
  tenantSchemaWindow = 0,
  clock: Clock = systemClock,
): Tenancy {
  const { core, log } = test.platform
  const policy = createSchemaPolicy(
    { tenantMigrations, tenantSchemaWindow, tenantConnections: 4 },
    { core, migrations, clock, log },
  )
  const tenancy = tenancyWith(test, migrations, 0, { schemaPolicy: policy, watch: true })
  opened.push(tenancy)
  return tenancy
}

async function bornBefore(): Promise<string> {
  return (await test.api.createOrganization(await test.api.register())).id
}

/** A statement that needs the newest file. */
const countNotes = (tenant: TenantDb) => tenant.orm.execute(sql`SELECT count(*) FROM notes`)

async function recorded(id: string) {
  const { rows } = await test.platform.core.orm.execute<Record<string, unknown>>(
    sql`SELECT schema_version, migrations_applied, migration_failures, migration_failure FROM tenants WHERE id = ${id}`,
  )
  return rows[0]
}

describe('a tenant that lacks a migration, where that is done on request', () => {
  it('is migrated by the first of those who ask at the same moment, in two processes', async () => {
    const id = await bornBefore()
    const one = processWith(newer, 'on-request')
    const other = processWith(newer, 'on-request')
    const answers = await atOnce(16, (index) =>
      (index % 2 === 0 ? one : other).withTenant(id, countNotes).then(
        () => 'served',
        (error: unknown) => error,
      ),
    )
    expect(new Set(answers)).toEqual(new Set(['served']))
    const { rows } = await one.maintain(need(await one.find(id)), (connection) =>
      connection.query(`SELECT count(*)::int AS times FROM tenantry.migrations WHERE version = '${VERSION}'`),
    )
    expect(rows).toEqual([{ times: 1 }])
    expect(await recorded(id)).toMatchObject({ schema_version: VERSION, migration_failures: 0 })
  })

  it('is heard of by processes of the older program, which go on serving it', async () => {
    const id = await bornBefore()
    await processWith(newer, 'on-request').withTenant(id, countNotes)
    await test.platform.tenancy.withTenant(id, countNotes)
  })

  it('is refused while its migration fails, and left alone for a while that grows', async () => {
    const id = await bornBefore()
    let now = Date.now()
    const clock: Clock = { now: () => new Date(now) }
    const tenancy = processWith(broken, 'on-request', 0, clock)
    const ask = () => tenancy.withTenant(id, async () => 'served').catch((error) => error.code)
    expect([await ask(), await ask(), await ask()]).toEqual(Array(3).fill('tenant-not-ready'))
    expect(await recorded(id)).toMatchObject({
      migration_failures: 1,
      migration_failure: { code: 'migration-failed', sqlState: '42P01', file: expect.any(String) },
    })
    now += 1_500
    expect([await ask(), await ask()]).toEqual(Array(2).fill('tenant-not-ready'))
    now += 1_500
    expect(await ask()).toBe('tenant-not-ready')
    expect(await recorded(id)).toMatchObject({ migration_failures: 2 })
  })

  it('is served as it is while its migration fails, where the program can work with it', async () => {
    const id = await bornBefore()
    const tenancy = processWith(broken, 'on-request', 1)
    expect(await tenancy.withTenant(id, async () => 'served')).toBe('served')
    expect(await recorded(id)).toMatchObject({ migration_failures: 1 })
  })

  it('takes long, and those who come later do not wait, nor do tenants lose their places behind it', async () => {
    const ids = [await bornBefore(), await bornBefore(), await bornBefore()]
    const slow = await withMigration(VERSION, 'SELECT pg_sleep(7); CREATE TABLE notes (body text)')
    const tenancy = processWith(slow, 'on-request')
    const ask = (id: string) => tenancy.withTenant(id, countNotes).then(String, (error) => error.code)
    expect(await Promise.all(ids.map(ask))).toEqual(Array(3).fill('tenant-not-ready'))
    // Those that waited would be served.
    expect(await Promise.all(ids.slice(0, 2).map(ask))).toEqual(Array(2).fill('tenant-not-ready'))
    // Nobody asks for the third again.
    const versions = () => Promise.all(ids.map(async (id) => (await recorded(id))?.['schema_version']))
    await expect.poll(versions, { timeout: 20_000 }).toEqual(Array(3).fill(VERSION))
  })

  it('is not said to have failed where somebody else migrates it', async () => {
    const id = await bornBefore()
    const tenancy = processWith(newer, 'on-request')
    const before = test.logged.length
    await tenancy.maintain(need(await tenancy.find(id)), async (connection) => {
      await connection.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`)
      await expect(tenancy.withTenant(id, countNotes)).rejects.toMatchObject({ code: 'tenant-not-ready' })
      const given = () =>
        test.logged.slice(before).some(({ tenant_id, failure }) => tenant_id === id && failure)
      await expect.poll(given).toBe(true)
    })
    expect(await recorded(id)).toMatchObject({ migration_failures: 0, migration_failure: null })
    const ask = () => tenancy.withTenant(id, countNotes).then(Boolean, String)
    await expect.poll(ask, { timeout: 10_000 }).toBe(true)
  })

  it('is refused by the time of the answer when it was suspended meanwhile', async () => {
    const id = await bornBefore()
    const tenancy = processWith(broken, 'on-request', 1)
    const tenant = need(await tenancy.find(id))
    // Asked for before, migrated after.
    const admitted = tenancy.maintain(tenant, async (connection) => {
      await connection.query(`SELECT pg_advisory_lock(${MIGRATION_LOCK})`)
      const asked = tenancy.withTenant(id, async () => 'served').catch((error) => error.code)
      await expect.poll(() => tenancy.connections().busy + tenancy.connections().waiting).toBeGreaterThan(1)
      await test.platform.core.orm.execute(sql`UPDATE tenants SET status = 'suspended' WHERE id = ${id}`)
      return { asked }
    })
    expect(await (await admitted).asked).toBe('tenant-suspended')
  })

  it('is found mended by the next who asks', async () => {
    const id = await bornBefore()
    const failing = processWith(broken, 'on-request')
    await expect(failing.withTenant(id, async () => 'served')).rejects.toMatchObject({
      code: 'tenant-not-ready',
    })
    await processWith(newer, 'on-request').withTenant(id, countNotes)
    expect(await recorded(id)).toMatchObject({ migration_failures: 0, migration_failure: null })
  })
})

describe('a tenant in which an operator took a migration back', () => {
  it('is not migrated on request, until a run does that', async () => {
    const id = await bornBefore()
    const serving = processWith(newer, 'on-request')
    await serving.withTenant(id, countNotes)
    const fleet = createFleet({
      core: test.platform.core,
      tenancy: serving,
      migrations: newer,
      holder: 'the test',
      connections: 4,
    })
    const conduct = { signal: new AbortController().signal, watch: () => undefined }
    const down: MigrationAction = { direction: 'down', steps: 1, mayLoseData: true }
    await fleet.start({ action: down, only: [id] }, conduct)
    const ask = () =>
      serving.withTenant(id, countNotes).then(
        () => 'served',
        (error) => error.code,
      )
    expect([await ask(), await ask()]).toEqual(Array(2).fill('tenant-not-ready'))
    expect(await recorded(id)).toMatchObject({ migrations_applied: newer.files.length - 1 })
    await fleet.start({ action: { direction: 'up', to: VERSION }, only: [id] }, conduct)
    await expect.poll(ask).toBe('served')
  })
})

describe('a tenant that lacks a migration, where a run over the fleet does that', () => {
  it('L12 is served within the window, and not beyond', async () => {
    const id = await bornBefore()
    expect(await processWith(newer, 'staged', 1).withTenant(id, async () => 'served')).toBe('served')
    const strict = processWith(newer, 'staged', 0)
    await expect(strict.withTenant(id, async () => 'served')).rejects.toMatchObject({
      code: 'tenant-not-ready',
      headers: { 'retry-after': expect.any(String) },
    })
    expect(await recorded(id)).toMatchObject({ migration_failures: 0 })
    await processWith(newer, 'on-request').withTenant(id, countNotes)
    await expect.poll(() => strict.withTenant(id, async () => 'served').catch(String)).toBe('served')
  })
})

function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('missing')
  return value
}
