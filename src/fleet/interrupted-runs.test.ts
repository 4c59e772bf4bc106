import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPlatform, type TestPlatform } from '../../test/support/platform.ts'
import { inCore, inTenant } from '../../test/support/rows.ts'
import { MIGRATIONS } from '../compose.ts'
import { printMigration, readMigrations } from '../migrations/index.ts'
import type { Tenancy } from '../tenancy/index.ts'
import {
  type Conduct,
  createFleet,
  type Fleet,
  type MigrationAction,
  type RunReport,
  type RunWish,
} from './index.ts'
import { inPool } from './pool.ts'

let test: TestPlatform
let directory: string
const ids: string[] = []
beforeAll(async () => {
  test = await startPlatform()
  const owner = await test.api.register()
  for (let index = 0; index < 3; index++) ids.push((await test.api.createOrganization(owner)).id)
  directory = await mkdtemp(join(tmpdir(), 'tenantry-interrupted-'))
  const { files } = await readMigrations(MIGRATIONS.tenant)
  for (const file of files) await writeFile(join(directory, file.fileName), file.text)
})
afterAll(async () => {
  await test.close()
  await rm(directory, { recursive: true })
})

let year = 2090
async function addFile(up: string, down: string): Promise<string> {
  const version = `${year++}0101000000`
  await writeFile(
    join(directory, `${version}_step.sql`),
    printMigration({ up: { sql: up }, down: { sql: down } }),
  )
  return version
}
const addTable = (name: string) => addFile(`CREATE TABLE ${name} (id int)`, `DROP TABLE ${name}`)

/** A fleet whose way to the tenants' databases may be broken. */
async function fleetWith(maintain?: Tenancy['maintain']): Promise<Fleet> {
  const { core, tenancy } = test.platform
  const migrations = await readMigrations(directory)
  const broken = maintain ? { ...tenancy, maintain } : tenancy
  return createFleet({ core, tenancy: broken, migrations, holder: 'the test', connections: 4 })
}

const CONDUCT = { signal: new AbortController().signal, watch: () => undefined }
const up = (to: string): MigrationAction => ({ direction: 'up', to })

async function run(fleet: Fleet, wish: RunWish, conduct: Conduct = CONDUCT): Promise<RunReport> {
  const report = await fleet.start(wish, conduct)
  if (!report) throw new Error('there was nothing to do')
  return report
}

const lost = (code: string) => Object.assign(new Error('the connection is gone'), { code })
const turns = ({ tenants }: RunReport) => tenants.map(({ status, versions }) => [status, ...versions])

async function whereIs(table: string): Promise<unknown[]> {
  const asked = ids.map((id) =>
    inTenant(test.platform, id, sql`SELECT to_regclass(${table}) IS NOT NULL AS there`),
  )
  return (await Promise.all(asked)).map(([row]) => row?.['there'])
}

describe('a run whose process was asleep', () => {
  it('N9 cannot go on when it wakes up beside the rollback of what it did', async () => {
    const version = await addTable('asleep')
    const [wake, isAsleep] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let visits = 0
    const sleeper = await fleetWith(async (tenant, work) => {
      visits++
      if (visits === 2) {
        isAsleep.resolve()
        await wake.promise
      }
      return await test.platform.tenancy.maintain(tenant, work)
    })
    const asleep = run(sleeper, { action: up(version), settings: { concurrency: 1, wave: 1 } })
    asleep.catch(() => undefined)
    await isAsleep.promise
    await inCore(
      test.platform,
      sql`UPDATE fleet_runs SET leased_until = now() - interval '1 second' WHERE status = 'running'`,
    )
    const fleet = await fleetWith()
    const [first] = await fleet.list()
    const back = await fleet.rollback(first?.run.id ?? '', true, CONDUCT)
    expect(back).toMatchObject({ run: { status: 'finished' }, done: 1 })
    wake.resolve()
    await expect(asleep).rejects.toThrow('taken over')
    expect(await whereIs('asleep')).toEqual([false, false, false])
  })
})

describe('what was done and not heard of', () => {
  it('is not done again: a lost answer to "one step down" takes back one', async () => {
    await addTable('below')
    const version = await addTable('above')
    await run(await fleetWith(), { action: up(version) })
    let isFirst = true
    const fleet = await fleetWith(async (tenant, work) => {
      const result = await test.platform.tenancy.maintain(tenant, work)
      if (!isFirst) return result
      isFirst = false
      throw lost('ECONNRESET')
    })
    const down: MigrationAction = { direction: 'down', steps: 1, mayLoseData: true }
    const report = await run(fleet, { action: down, only: [ids[0] ?? ''] })
    expect(turns(report)).toEqual([['done', version]])
    expect(await whereIs('below')).toEqual([true, true, true])
    // Killed between the tenant's commit and its record.
    const set = (table: string, id: string) =>
      sql`UPDATE ${sql.identifier(table)} SET status = 'running' WHERE ${sql.identifier(id)} = ${report.run.id}`
    await inCore(test.platform, set('fleet_runs', 'id'))
    await inCore(test.platform, set('fleet_run_tenants', 'run_id'))
    expect(turns(await fleet.resume(report.run.id, CONDUCT))).toEqual([['done', version]])
    expect(await whereIs('below')).toEqual([true, true, true])
  })

  it('stays recorded when a later try finds no database', async () => {
    const first = await addTable('kept')
    const second = await addFile('SELECT 1 / 0', 'SELECT 1')
    const fleet = await fleetWith()
    const report = await run(fleet, { action: up(second), only: [ids[1] ?? ''] })
    expect(turns(report)).toEqual([['failed', first]])
    const away = await fleetWith(async () => {
      throw Object.assign(lost('3D000'), { severity: 'FATAL' })
    })
    expect(turns(await away.retry(report.run.id, CONDUCT))).toEqual([['failed', first]])
    const back = await fleet.rollback(report.run.id, true, CONDUCT)
    expect(turns(back)).toEqual([['done', first]])
    // Going down mends nothing of what kept it from going up.
    expect(back.tenants[0]?.migrationFailures).toBe(2)
    await rm(join(directory, `${second}_step.sql`))
  })
})

describe('what nobody has agreed to lose', () => {
  it('L11 is not lost, whatever is recorded of the database', async () => {
    const version = await addTable('precious')
    const fleet = await fleetWith()
    const report = await run(fleet, { action: up(version), only: ids })
    const back = await fleet.rollback(report.run.id, false, CONDUCT)
    expect(back).toMatchObject({ done: 0, left: 3 })
    expect(back.tenants[0]?.failure).toMatchObject({
      code: 'data-loss',
      message: expect.stringContaining('table precious'),
    })
    expect(await whereIs('precious')).toEqual([true, true, true])
  })
})

describe('a failure', () => {
  it('does not tell what stands in a row', async () => {
    await inTenant(test.platform, ids[2] ?? '', sql`CREATE TABLE people (phone text)`)
    await inTenant(test.platform, ids[2] ?? '', sql`INSERT INTO people VALUES ('+49 170 "secret"')`)
    const version = await addFile('ALTER TABLE people ALTER phone TYPE int USING phone::int', 'SELECT 1')
    const report = await run(await fleetWith(), { action: up(version), only: [ids[2] ?? ''] })
    const [tenant] = report.tenants
    expect(tenant?.failure).toMatchObject({
      sqlState: '22P02',
      message: expect.stringContaining('type integer: "…"'),
    })
    expect(JSON.stringify(tenant)).not.toMatch(/170|secret/)
    await rm(join(directory, `${version}_step.sql`))
  })
})

describe('an interrupt', () => {
  it('during the last turns ends the run, which has nothing left to go on with', async () => {
    const version = await addTable('last')
    const controller = new AbortController()
    const conduct = {
      signal: controller.signal,
      watch: ({ kind }: { kind: string }) => void (kind === 'tenant' && controller.abort()),
    }
    const report = await run(await fleetWith(), { action: up(version), only: [ids[0] ?? ''] }, conduct)
    expect(report).toMatchObject({ run: { status: 'finished' }, done: 1 })
  })

  it('while a server is away counts against no tenant, which gets its turn with the rest', async () => {
    const version = await addTable('patient')
    const controller = new AbortController()
    const away = await fleetWith(async () => {
      setImmediate(() => controller.abort())
      throw lost('ECONNREFUSED')
    })
    const report = await run(
      away,
      { action: up(version), only: ids.slice(0, 2) },
      { ...CONDUCT, signal: controller.signal },
    )
    expect(report).toMatchObject({ run: { status: 'paused' }, done: 0, failed: 0 })
    expect(report.tenants.map(({ migrationFailures }) => migrationFailures)).toEqual([0, 0])
    const rest = await (await fleetWith()).resume(report.run.id, CONDUCT)
    expect(rest).toMatchObject({ run: { status: 'finished' }, done: 2 })
  })
})

describe('a pool', () => {
  it('loses no error, also where another item ends in the same moment', async () => {
    const gate = Promise.withResolvers<void>()
    const options = { concurrency: 2, perKey: 2, keyOf: () => 'one', isStopped: () => false }
    const begun: number[] = []
    const done = inPool([0, 1, 2], options, async (item) => {
      begun.push(item)
      await gate.promise
      if (item === 1) throw new Error('away')
    })
    gate.resolve()
    await expect(done).rejects.toThrow('away')
    expect(begun.length).toBeLessThanOrEqual(3)
  })

  it('works on no more items at once than it may, and on no more of one key', async () => {
    let [all, most] = [0, 0]
    const byKey = new Map<string, number>()
    const keyOf = (item: number) => (item % 3 === 0 ? 'small' : 'large')
    const options = { concurrency: 4, perKey: 2, keyOf, isStopped: () => false }
    await inPool(
      Array.from({ length: 40 }, (_, index) => index),
      options,
      async (item) => {
        most = Math.max(most, ++all)
        byKey.set(keyOf(item), (byKey.get(keyOf(item)) ?? 0) + 1)
        expect(byKey.get(keyOf(item))).toBeLessThanOrEqual(2)
        await new Promise((resolve) => setImmediate(resolve))
        byKey.set(keyOf(item), (byKey.get(keyOf(item)) ?? 0) - 1)
        all--
      },
    )
    expect(most).toBe(4)
  })
})
