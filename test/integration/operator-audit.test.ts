import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { commandLine } from '../support/command-line.ts'
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'
import { inCore } from '../support/rows.ts'

let second: OwnPostgres
let test: TestPlatform
let line: ReturnType<typeof commandLine>
let tenantId: string
let before = 0
beforeAll(async () => {
  second = await startOwnPostgres()
  test = await startPlatform()
  line = commandLine(test.databaseUrl)
  tenantId = (await test.api.createOrganization(await test.api.register())).id
})
afterAll(async () => {
  await test.close()
  await second.close()
})
beforeEach(async () => {
  before = 0
  before = (await audited()).length
})

/** What operators did in this test, oldest first. */
async function audited() {
  return await inCore(
    test.platform,
    sql`SELECT action, target_kind, target_id, details FROM audit_log
      WHERE actor_kind = 'operator' ORDER BY id OFFSET ${before}`,
  )
}

it('servers that are added, drained and filled again, once each', async () => {
  const env = { NEW_SERVER_URL: second.url, DATABASE_URL: test.databaseUrl }
  const { id } = (await line.json('servers add second', { env })).data
  expect((await line.run('servers add second', { env })).code).toBe(1)
  for (const args of ['', '', ' --undo', ' --undo']) await line.run(`servers drain second${args}`)
  const entry = { target_kind: 'server', target_id: id, details: {} }
  expect(await audited()).toEqual([
    { ...entry, action: 'server.added' },
    { ...entry, action: 'server.drained' },
    { ...entry, action: 'server.undrained' },
  ])
  await line.run('servers drain second')
})

it('a doctor that mends, with how much; none that only looks', async () => {
  await line.run('doctor')
  expect(await audited()).toEqual([])
  const mended = (await line.json('doctor --fix')).data.mended.length
  expect(await audited()).toMatchObject([
    { action: 'doctor.fixed', details: { mended, left: expect.any(Number) } },
  ])
})

it('SQL that may write and commands for tenants, also where they fail; none that only reads', async () => {
  const sqlOf = (...more: string[]) => line.run(['tenants', 'exec', '--sql', 'SELECT 1 / 0', ...more])
  await sqlOf()
  expect(await audited()).toEqual([])
  await sqlOf('--write', '--tenant', tenantId)
  await line.run(['tenants', 'exec', '--', 'true'])
  await line.run(['tenants', 'exec', '--write'])
  expect(await audited()).toMatchObject([
    { action: 'tenants.executed', details: { kind: 'sql', only: 1 } },
    { action: 'tenants.executed', details: { kind: 'command' } },
  ])
})

it('runs over tenants, with how they ended, and each that goes on', async () => {
  const applied = await line.run(`migrate up tenants --tenant ${tenantId}`)
  expect(applied.code).toBe(0)
  const [{ run_id: run }] = (await line.json('runs list')).data
  const entry = { target_kind: 'run', target_id: run }
  expect(await audited()).toEqual([
    { ...entry, action: 'run.started', details: { kind: 'up' } },
    { ...entry, action: 'run.ended', details: { status: 'finished' } },
  ])
  // As if it had been paused before this tenant's turn.
  await inCore(test.platform, sql`UPDATE fleet_runs SET status = 'paused' WHERE id = ${run}`)
  await inCore(test.platform, sql`UPDATE fleet_run_tenants SET status = 'pending' WHERE run_id = ${run}`)
  expect((await line.run(`runs resume ${run}`)).code).toBe(0)
  expect((await audited()).map(({ action }) => action)).toEqual([
    'run.started',
    'run.ended',
    'run.started',
    'run.ended',
  ])
})
