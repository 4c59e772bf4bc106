import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../../test/acceptance/support/poll.ts'
import type { SignedInUser } from '../../../test/support/api-client.ts'
import { EventStreamClient, type ReceivedEvent } from '../../../test/support/event-stream-client.ts'
import { startPlatform, type TestPlatform } from '../../../test/support/platform.ts'
import { countCoreQueries, inCore, inTenant } from '../../../test/support/rows.ts'
import { MIGRATIONS } from '../../compose.ts'
import { drainServer, type HttpServer } from '../../http/index.ts'
import { listen, makeServer } from '../../http/test-support.ts'
import { printMigration, readMigrations } from '../../migrations/index.ts'
import { type Clock, silentLogger, systemClock } from '../../platform/index.ts'
import { createFleet, fleetRoutes, type MigrationAction, type RunReport } from '../index.ts'

const EVERY_MS = 20
const SILENCE_MS = 300

let test: TestPlatform
let server: HttpServer
let url: string
let admin: SignedInUser
let directory: string
const ids: string[] = []
beforeAll(async () => {
  test = await startPlatform()
  admin = await newAdmin()
  for (let index = 0; index < 3; index++) ids.push((await test.api.createOrganization(admin)).id)
  directory = await mkdtemp(join(tmpdir(), 'tenantry-live-'))
  const { files } = await readMigrations(MIGRATIONS.tenant)
  for (const file of files) await writeFile(join(directory, file.fileName), file.text)
  server = await serve()
  url = (await listen(server)).url
})
const clients: EventStreamClient[] = []
afterEach(() => {
  for (const client of clients.splice(0)) client.leave()
})
afterAll(async () => {
  await server.close()
  await test.close()
  await rm(directory, { recursive: true })
})

/** The routes of runs, looked at more often than in production. */
async function serve(clock: Clock = systemClock): Promise<HttpServer> {
  const { core, adminGuard } = test.platform
  const made = await makeServer({ limits: { readmitMs: 50 } })
  const times = { everyMs: EVERY_MS, silenceMs: SILENCE_MS }
  fleetRoutes(made, { core, adminGuard, clock, log: silentLogger, times })
  return made
}

async function newAdmin(): Promise<SignedInUser> {
  const user = await test.api.register()
  await inCore(test.platform, sql`UPDATE users SET is_admin = true WHERE id = ${user.id}`)
  return user
}

let year = 2090
async function addTable(): Promise<string> {
  const version = `${year++}0101000000`
  const table = `live_${version}`
  const text = printMigration({
    up: { sql: `CREATE TABLE ${table} ()` },
    down: { sql: `DROP TABLE ${table}` },
  })
  await writeFile(join(directory, `${version}_step.sql`), text)
  return version
}

/** A run over all tenants, one after the other, each of which waits to be let through. */
async function startRun() {
  const { core, tenancy } = test.platform
  const to = await addTable()
  const gates = ids.map(() => Promise.withResolvers<void>())
  const waiting = [...gates]
  const abort = new AbortController()
  let visits = 0
  const maintain: typeof tenancy.maintain = async (tenant, work) => {
    await gates[visits++]?.promise
    return await tenancy.maintain(tenant, work)
  }
  const migrations = await readMigrations(directory)
  const fleet = createFleet({
    core,
    tenancy: { ...tenancy, maintain },
    migrations,
    holder: 'the test',
    connections: 4,
  })
  const planned = Promise.withResolvers<string>()
  const action: MigrationAction = { direction: 'up', to }
  const settings = { concurrency: 1, wave: 1, abortAfter: { count: 9 } }
  const report = fleet.start(
    { action, settings },
    {
      signal: abort.signal,
      watch: (event) => void (event.kind === 'planned' && planned.resolve(event.runId)),
    },
  )
  report.catch(planned.reject)
  return {
    id: await planned.promise,
    to,
    report: report as Promise<RunReport>,
    /** Lets one more tenant through, or as many as it is told. */
    pass: (count = 1) => {
      for (const gate of waiting.splice(0, count)) gate.resolve()
    },
    pause: () => abort.abort(),
  }
}

async function watch(
  id: string,
  headers: Record<string, string> = {},
  who = admin,
): Promise<EventStreamClient> {
  const authorization = `Bearer ${who.token}`
  const client = await EventStreamClient.open(`${url}/api/v1/admin/runs/${id}/events`, {
    authorization,
    ...headers,
  })
  clients.push(client)
  return client
}

const has = (event: string, count: number) => (received: readonly ReceivedEvent[]) =>
  received.filter((one) => one.event === event).length >= count
const tenantsIn = (client: EventStreamClient) => client.of('tenant').map(({ data }) => data.tenant_id)

describe('a run that is watched', () => {
  it('tells where it stands, each tenant’s turn, and its end', async () => {
    const poisoned = ids[1] ?? ''
    const run = await startRun()
    await inTenant(test.platform, poisoned, sql.raw(`CREATE TABLE live_${run.to} ()`))
    const client = await watch(run.id)
    await client.until(has('progress', 1))
    expect(client.of('progress')[0]?.data).toMatchObject({
      id: run.id,
      status: 'running',
      planned: 3,
      done: 0,
    })
    run.pass()
    await client.until(has('tenant', 1))
    run.pass(2)
    expect(await client.ended).toBe(true)
    const { tenants } = await run.report
    const asShown = tenants.map(({ tenantId, status }) => ({ tenant_id: tenantId, status }))
    expect(client.of('tenant').map(({ data }) => data)).toMatchObject(asShown)
    expect(client.of('tenant').find(({ data }) => data.status === 'failed')?.data).toMatchObject({
      tenant_id: poisoned,
      failure_code: 'migration-failed',
    })
    const last = client.received.at(-1)
    expect(last).toMatchObject({ event: 'end', data: { status: 'finished', done: 2, failed: 1 } })
    expect(last?.data).toMatchObject({ tenants_per_second: null, seconds_left: null })
    const one = await server.inject({
      url: `/api/v1/admin/runs/${run.id}`,
      headers: { authorization: `Bearer ${admin.token}` },
    })
    const { tenants: _, ...body } = one.json()
    expect(last?.data).toMatchObject(body)
    expect(client.of('tenant').map(({ data }) => data)).toEqual(one.json().tenants)
  })

  it('says how fast it gets on', async () => {
    const run = await startRun()
    const client = await watch(run.id)
    run.pass()
    await client.until((received) => received.some(({ data }) => data?.done === 1))
    const { tenants_per_second: speed, seconds_left: left } = client.of('progress').at(-1)?.data ?? {}
    expect(speed).toBeGreaterThan(0)
    expect(left).toBe(Math.ceil(2 / speed))
    run.pass(2)
    await run.report
  })

  it('that is over says so at once', async () => {
    const run = await startRun()
    run.pass(3)
    await run.report
    const client = await watch(run.id)
    expect(await client.ended).toBe(true)
    expect(client.received.map(({ event }) => event)).toEqual([undefined, 'progress', 'end'])
    const again = await watch(run.id, { 'last-event-id': '0' })
    expect(await again.ended).toBe(true)
    expect(new Set(tenantsIn(again))).toEqual(new Set(ids))
  })

  it('that is paused has ended', async () => {
    const run = await startRun()
    const client = await watch(run.id)
    run.pause()
    run.pass(3)
    expect(await client.ended).toBe(true)
    expect(client.received.at(-1)).toMatchObject({ event: 'end', data: { status: 'paused', done: 1 } })
    await run.report
  })
})

describe('whoever comes again', () => {
  it('gets what it missed; whoever comes first, what is new', async () => {
    const run = await startRun()
    const first = await watch(run.id)
    run.pass()
    await first.until(has('tenant', 1))
    first.leave()
    const lastId = first.received.findLast(({ id }) => id !== undefined)?.id ?? ''
    run.pass()
    await eventually('the second turn', async () => {
      const [row] = await inCore(
        test.platform,
        sql`SELECT count(*)::int FROM fleet_run_tenants WHERE run_id = ${run.id} AND status = 'done'`,
      )
      return row?.['count'] === 2
    })
    const [back, fresh] = [await watch(run.id, { 'last-event-id': lastId }), await watch(run.id)]
    run.pass()
    await Promise.all([back.ended, fresh.ended])
    const order = (await run.report).tenants.map(({ tenantId }) => tenantId)
    expect(new Set(tenantsIn(back))).toEqual(new Set(order))
    expect(tenantsIn(back).slice(-2)).toEqual(order.slice(1))
    expect(tenantsIn(fresh)).toEqual(order.slice(2))
  })

  it.each(['', 'x', '-1', '1e3', '99999999999999999999', '7, 7'])(
    'with the id "%s", which is none, begins now',
    async (id) => {
      const [run] = await inCore(
        test.platform,
        sql`SELECT id FROM fleet_runs WHERE status = 'finished' LIMIT 1`,
      )
      const client = await watch(String(run?.['id']), { 'last-event-id': id })
      expect(await client.ended).toBe(true)
      expect(client.of('tenant')).toEqual([])
    },
  )
})

describe('a run whose process died', () => {
  it('ends the stream after a while, and not when it was silent for a moment', async () => {
    const run = await startRun()
    const client = await watch(run.id)
    const lease = (until: string) =>
      inCore(
        test.platform,
        sql`UPDATE fleet_runs SET leased_until = now() + ${until}::interval WHERE id = ${run.id}`,
      )
    const seen = (status: string) =>
      client.until((received) => received.findLast(({ data }) => data)?.data.status === status)
    await lease('-1 second')
    await seen('interrupted')
    await lease('1 minute')
    await seen('running')
    expect(client.of('end')).toEqual([])
    // Its heart beats every two seconds.
    await inCore(test.platform, sql`UPDATE fleet_runs SET lease_token = NULL WHERE id = ${run.id}`)
    await lease('-1 second')
    expect(await client.ended).toBe(true)
    expect(client.received.at(-1)).toMatchObject({ event: 'end', data: { status: 'interrupted' } })
    run.pass(3)
    await expect(run.report).rejects.toThrow('taken over')
    await inCore(test.platform, sql`UPDATE fleet_runs SET status = 'paused' WHERE id = ${run.id}`)
  })
})

describe('looking', () => {
  /** Statements in so many milliseconds. */
  async function countFor(milliseconds: number): Promise<number> {
    const queries = countCoreQueries(test.platform)
    await new Promise((resolve) => setTimeout(resolve, milliseconds))
    queries.stop()
    return queries.count
  }

  it('costs the same however many watch, and nothing when nobody does', async () => {
    const run = await startRun()
    const watchers = await Promise.all(ids.flatMap(() => [watch(run.id), watch(run.id), watch(run.id)]))
    for (const client of watchers) await client.until(has('progress', 1))
    const windowMs = 600
    // One each time, and each watcher’s right every 50 ms.
    const most = windowMs / EVERY_MS + (watchers.length * windowMs) / 50
    // The run's own heart beats every two seconds.
    expect(await countFor(windowMs)).toBeLessThanOrEqual(most + watchers.length + 1)
    for (const client of watchers) client.leave()
    await eventually('silence', async () => (await countFor(100)) === 0)
    expect(await countFor(300)).toBeLessThanOrEqual(1)
    run.pass(3)
    await run.report
  })
})

describe('who may watch', () => {
  it('is nobody without a token, nobody else, and only what there is', async () => {
    const stranger = await test.api.register()
    const unknown = ids[0] ?? ''
    expect((await watch(unknown)).status).toBe(404)
    expect((await watch(unknown, {}, stranger)).status).toBe(403)
    expect((await watch(unknown, { authorization: '' })).status).toBe(401)
    expect((await watch('x')).status).toBe(422)
  })

  it.each([
    [
      'session',
      (user: SignedInUser) => sql`UPDATE sessions SET revoked_at = now() WHERE user_id = ${user.id}`,
    ],
    ['right', (user: SignedInUser) => sql`UPDATE users SET is_admin = false WHERE id = ${user.id}`],
    ['account', (user: SignedInUser) => sql`UPDATE users SET is_active = false WHERE id = ${user.id}`],
  ])('A11 loses the stream with the %s', async (_, take) => {
    const run = await startRun()
    const user = await newAdmin()
    const [theirs, others] = [await watch(run.id, {}, user), await watch(run.id)]
    await inCore(test.platform, take(user))
    expect(await theirs.ended).toBe(true)
    run.pass(3)
    await others.until(has('end', 1))
    expect(theirs.of('end')).toEqual([])
    await run.report
  })

  it('loses it at the latest with the token', async () => {
    const run = await startRun()
    const { expires_in: life } = (await test.api.post('/auth/login', admin)).body ?? {}
    // A clock that is ten minutes further, but for a moment.
    const ahead = 1_000 * (life ?? 600) - 500
    await using late = await serve({ now: () => new Date(Date.now() + ahead) })
    const at = (await listen(late)).url
    const client = await EventStreamClient.open(`${at}/api/v1/admin/runs/${run.id}/events`, {
      authorization: `Bearer ${admin.token}`,
    })
    clients.push(client)
    expect(client.status).toBe(200)
    expect(await client.ended).toBe(true)
    expect(client.of('end')).toEqual([])
    run.pass(3)
    await run.report
  })
})

describe('a server that closes', () => {
  it('N1 does not wait for those who watch', async () => {
    const run = await startRun()
    const closing = await serve()
    const at = (await listen(closing)).url
    const client = await EventStreamClient.open(`${at}/api/v1/admin/runs/${run.id}/events`, {
      authorization: `Bearer ${admin.token}`,
    })
    await client.until(has('progress', 1))
    expect(await drainServer(closing, { deadlineMs: 60_000 })).toBe(0)
    expect(await client.ended).toBe(true)
    run.pass(3)
    await run.report
  })
})
