import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPlatform, type TestPlatform } from '../../test/support/platform.ts'
import { inTenant } from '../../test/support/rows.ts'
import { MIGRATIONS } from '../compose.ts'
import { type MigrationSet, printMigration, readMigrations } from '../migrations/index.ts'
import { createFleet, type Fleet, type MigrationAction, type RunReport, type RunWish } from './index.ts'

const NOTES = '20990101000000'
const LATE = '20980101000000'

let test: TestPlatform
let directory: string
const ids: string[] = []

beforeAll(async () => {
  test = await startPlatform()
  const owner = await test.api.register()
  for (let index = 0; index < 3; index++) ids.push((await test.api.createOrganization(owner)).id)
  directory = await mkdtemp(join(tmpdir(), 'tenantry-fleet-'))
  const { files } = await readMigrations(MIGRATIONS.tenant)
  for (const file of files) await writeFile(join(directory, file.fileName), file.text)
})
afterAll(async () => {
  await test.close()
  await rm(directory, { recursive: true })
})

/** Adds a file to the tenants' migrations and reads them all. */
async function withFile(version: string, up: string, down: string): Promise<MigrationSet> {
  const text = printMigration({ up: { sql: up }, down: { sql: down } })
  await writeFile(join(directory, `${version}_step.sql`), text)
  return await readMigrations(directory)
}

function fleetWith(migrations: MigrationSet): Fleet {
  const { core, tenancy } = test.platform
  return createFleet({ core, tenancy, migrations, holder: 'the test', connections: 4 })
}

async function fleetOf(): Promise<Fleet> {
  return fleetWith(await readMigrations(directory))
}

const CONDUCT = { signal: new AbortController().signal, watch: () => undefined }
const up = (to: string): MigrationAction => ({ direction: 'up', to })

async function run(fleet: Fleet, wish: RunWish): Promise<RunReport> {
  const report = await fleet.start(wish, CONDUCT)
  if (!report) throw new Error('there was nothing to do')
  return report
}

const turns = ({ tenants }: RunReport) =>
  Object.fromEntries(tenants.map(({ tenantId, status, versions }) => [tenantId, [status, ...versions]]))

describe('a run', () => {
  it('begins with nobody when all are up to date', async () => {
    const { latest = '' } = await readMigrations(directory)
    await expect((await fleetOf()).start({ action: up(latest) }, CONDUCT)).resolves.toBeUndefined()
    await expect((await fleetOf()).list()).resolves.toEqual([])
  })

  it('L1 goes on past a tenant that fails, which keeps its schema and stays in the next plan', async () => {
    const poisoned = ids[1] ?? ''
    await inTenant(test.platform, poisoned, sql`CREATE TABLE notes (id int)`)
    const fleet = fleetWith(await withFile(NOTES, 'CREATE TABLE notes (id int)', 'DROP TABLE notes'))
    const report = await run(fleet, { action: up(NOTES) })
    expect(report).toMatchObject({ run: { status: 'finished' }, planned: 3, done: 2, failed: 1 })
    expect(turns(report)).toEqual(
      Object.fromEntries(ids.map((id) => [id, id === poisoned ? ['failed'] : ['done', NOTES]])),
    )
    expect(report.tenants.find(({ status }) => status === 'failed')?.failure).toMatchObject({
      code: 'migration-failed',
      sqlState: '42P07',
      file: `${NOTES}_step.sql`,
      line: 2,
      statement: 'CREATE TABLE notes (id int)',
    })
    const status = await fleet.status()
    expect(status).toMatchObject({ tenants: 3, behind: 1, latest: NOTES })
    expect(status.versions.map(({ tenants }) => tenants)).toEqual([1, 2])
    expect(status.exceptions).toEqual([
      { code: 'behind', tenants: 1, examples: [poisoned] },
      { code: 'migration-failed', tenants: 1, examples: [poisoned] },
    ])
  })

  it('is tried again for those that failed', async () => {
    const poisoned = ids[1] ?? ''
    const fleet = await fleetOf()
    const [last] = await fleet.list()
    await inTenant(test.platform, poisoned, sql`DROP TABLE notes`)
    const report = await fleet.retry(last?.run.id ?? '', CONDUCT)
    expect(report).toMatchObject({ run: { status: 'finished' }, done: 3, failed: 0 })
    expect(turns(report)).toEqual(Object.fromEntries(ids.map((id) => [id, ['done', NOTES]])))
    await expect(fleet.status()).resolves.toMatchObject({ behind: 0, exceptions: [] })
    await expect(fleet.retry(report.run.id, CONDUCT)).rejects.toThrow('has no tenant')
  })

  it('finds a file that came late with an older version', async () => {
    const fleet = fleetWith(await withFile(LATE, 'CREATE TABLE late (id int)', 'DROP TABLE late'))
    expect((await fleet.status()).behind).toBe(3)
    const report = await run(fleet, { action: up(NOTES) })
    expect(turns(report)).toEqual(Object.fromEntries(ids.map((id) => [id, ['done', LATE]])))
    expect((await fleet.status()).behind).toBe(0)
  })

  it('takes back what it is told, where it is told', async () => {
    const fleet = await fleetOf()
    const only = [ids[2] ?? '']
    const report = await run(fleet, { action: { direction: 'down', steps: 2, mayLoseData: true }, only })
    expect(turns(report)).toEqual({ [only[0] ?? '']: ['done', NOTES, LATE] })
    expect((await fleet.status()).behind).toBe(1)
    expect(turns(await run(fleet, { action: up(LATE) }))).toEqual({ [only[0] ?? '']: ['done', LATE] })
  })

  it('refuses an unknown tenant and an unknown version before it touches any', async () => {
    const fleet = await fleetOf()
    const unknown = '01990000-0000-7000-8000-000000000000'
    const wish: RunWish = {
      action: { direction: 'down', steps: 1, mayLoseData: true },
      only: [ids[0] ?? '', unknown],
    }
    await expect(fleet.start(wish, CONDUCT)).rejects.toThrow(unknown)
    await expect(fleet.start({ action: up('20000101000000') }, CONDUCT)).rejects.toThrow('20000101000000')
    expect((await fleet.status()).behind).toBe(1)
  })

  it('L6 says of which tenants a file was edited since, and refuses to go on there', async () => {
    const edited = await withFile(LATE, 'CREATE TABLE late (id bigint)', 'DROP TABLE late')
    const fleet = fleetWith(edited)
    const { exceptions } = await fleet.status()
    expect(exceptions.find(({ code }) => code === 'edited')).toMatchObject({ tenants: 3 })
    const report = await run(fleet, { action: up(NOTES), settings: { abortAfter: { count: 9 } } })
    expect(report).toMatchObject({ done: 0, failed: 3 })
    const { checksum } = edited.files.find(({ version }) => version === LATE) ?? { checksum: '' }
    for (const { failure } of report.tenants)
      expect(failure).toMatchObject({ code: 'checksum-changed', message: expect.stringContaining(checksum) })
    await withFile(LATE, 'CREATE TABLE late (id int)', 'DROP TABLE late')
  })
})

describe('a run whose canary failed', () => {
  it('goes on with another canary, and not with a wave', async () => {
    const version = '20990101000500'
    const broken = fleetWith(await withFile(version, 'SELECT * FROM nowhere_at_all', 'SELECT 1'))
    const settings = { canary: 1, wave: 1 }
    const stopped = await run(broken, { action: up(version), settings })
    expect(stopped).toMatchObject({ run: { status: 'stopped', reason: 'the canary failed' }, failed: 1 })
    const again = await broken.resume(stopped.run.id, CONDUCT)
    expect(again).toMatchObject({ run: { status: 'stopped', reason: 'the canary failed' }, failed: 2 })
    await rm(join(directory, `${version}_step.sql`))
  })
})

describe('a tenant that somebody else migrates', () => {
  it('is left alone, and the next is the canary', { timeout: 60_000 }, async () => {
    const version = '20990101000600'
    const broken = fleetWith(await withFile(version, 'SELECT * FROM nowhere_at_all', 'SELECT 1'))
    const plan = await broken.plan({ action: up(version) })
    const held = plan.tenants[0]?.id ?? ''
    const { tenancy } = test.platform
    const record = await tenancy.find(held)
    if (!record) throw new Error('the plan names nobody')
    const report = await tenancy.maintain(record, async (other) => {
      await other.query('SELECT pg_advisory_lock(8387227955466269561)')
      return await run(broken, { action: up(version), settings: { canary: 1, wave: 1 } })
    })
    expect(report).toMatchObject({
      run: { status: 'stopped', reason: 'the canary failed' },
      failed: 1,
      left: 1,
    })
    expect(report.tenants.find(({ tenantId }) => tenantId === held)).toMatchObject({
      status: 'left',
      failure: { code: 'busy' },
    })
    await rm(join(directory, `${version}_step.sql`))
  })
})

describe('a rollback', () => {
  const tables = async (name: string) => {
    const found = ids.map((id) =>
      inTenant(test.platform, id, sql`SELECT to_regclass(${name}) IS NOT NULL AS there`),
    )
    return (await Promise.all(found)).map(([row]) => row?.['there'])
  }

  it('takes back what its run applied, where it applied it', async () => {
    const one = '20990201000000'
    const fleet = fleetWith(await withFile(one, 'CREATE TABLE one (id int)', 'DROP TABLE one'))
    // One tenant has it from elsewhere.
    await run(fleet, { action: up(one), only: [ids[0] ?? ''] })
    const report = await run(fleet, { action: up(one) })
    expect(report.done).toBe(2)
    const back = await fleet.rollback(report.run.id, true, CONDUCT)
    expect(back).toMatchObject({ run: { kind: 'rollback', status: 'finished' }, done: 2, failed: 0 })
    expect(await tables('one')).toEqual([true, false, false])
    await expect(fleet.rollback(back.run.id, true, CONDUCT)).rejects.toThrow('could be taken back')
  })

  it('leaves, and says so, what has no way back or lies under newer files', async () => {
    const [under, over, stuck] = ['20990202000000', '20990203000000', '20990204000000']
    const fleet = fleetWith(await withFile(under, 'CREATE TABLE under (id int)', 'DROP TABLE under'))
    const report = await run(fleet, { action: up(under) })
    const more = fleetWith(await withFile(over, 'CREATE TABLE over (id int)', 'DROP TABLE over'))
    await run(more, { action: up(over), only: [ids[1] ?? ''] })
    const back = await more.rollback(report.run.id, true, CONDUCT)
    expect(back).toMatchObject({ done: report.done - 1, left: 1, failed: 0 })
    expect(back.tenants.find(({ status }) => status === 'left')).toMatchObject({
      tenantId: ids[1],
      failure: { code: 'newer-applied', message: expect.stringContaining(over) },
    })
    await writeFile(join(directory, `${stuck}_step.sql`), '-- migrate:up\nCREATE TABLE stuck ();\n')
    const last = await fleetOf()
    const irreversible = await last.rollback((await run(last, { action: up(stuck) })).run.id, true, CONDUCT)
    expect(irreversible).toMatchObject({ done: 0, left: 3, failed: 0 })
    expect(irreversible.tenants[0]?.failure?.code).toBe('irreversible')
  })
})
