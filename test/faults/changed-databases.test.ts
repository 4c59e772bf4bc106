import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../acceptance/support/poll.ts'
import { PASSWORD, unique } from '../support/api-client.ts'
import { onServer } from '../support/databases.ts'
import {
  makeTenant,
  type ProxiedPlatform,
  runIn,
  startProxiedPlatform,
  type TestTenant,
} from './support/proxied-platform.ts'

let test: ProxiedPlatform
let tenant: TestTenant
beforeAll(async () => {
  test = await startProxiedPlatform()
})
afterEach(() => test.proxy.heal())
afterAll(() => test.close())

const read = () => test.api.get('/users/me', tenant.call)
const write = (phone: string) => test.api.put('/users/me', { phone }, tenant.call)

async function expectServed(): Promise<void> {
  await eventually('the tenant to be served', async () => (await read()).status === 200)
  expect(await write('115')).toMatchObject({ status: 200, body: { phone: '115' } })
}

describe('a tenant’s database', () => {
  beforeAll(async () => {
    tenant = await makeTenant(test)
  })

  it('J19 that became read-only, as after a failover: reads are served, writes hear 503', async () => {
    const alter = (how: string) =>
      onServer((server) => server.query(`ALTER DATABASE "${tenant.databaseName}" ${how}`))
    await alter('SET default_transaction_read_only = on')
    test.proxy.reset(tenant.databaseName)
    await eventually('reads', async () => (await read()).status === 200)
    const newcomer = { email: `${unique('new')}@example.com`, password: PASSWORD }
    const { id: tenantId } = tenant
    for (const reply of [
      await write('110'),
      await test.api.post('/auth/register', newcomer, { tenantId, faulty: true }),
    ]) {
      expect(reply).toMatchObject({ status: 503, body: { code: 'database-unavailable' } })
    }
    expect(await read()).toMatchObject({ status: 200, body: { phone: null } })
    await alter('RESET default_transaction_read_only')
    test.proxy.reset(tenant.databaseName)
    await expectServed()
  })

  it('J21 that lacks a column: 503 tenant-not-ready where it is needed', async () => {
    await runIn(tenant.databaseName, 'ALTER TABLE users RENAME COLUMN phone TO telephone')
    for (const reply of [await write('110'), await read()])
      expect(reply).toMatchObject({ status: 503, body: { code: 'tenant-not-ready' } })
    await runIn(tenant.databaseName, 'ALTER TABLE users RENAME COLUMN telephone TO phone')
    await expectServed()
  })

  it('J22 that is migrated under prepared statements: nobody hears of it', async () => {
    await expectServed()
    for (const column of ['email', 'phone', 'full_name']) {
      await runIn(tenant.databaseName, `ALTER TABLE users ALTER COLUMN ${column} TYPE varchar(320)`)
      const call = { ...tenant.call, faulty: false }
      const many = Array.from({ length: 8 }, (_, index) =>
        index % 2 === 0 ? test.api.get('/users/me', call) : test.api.put('/users/me', { phone: '116' }, call),
      )
      for (const reply of await Promise.all(many)) expect(reply.status).toBe(200)
    }
  })
})

describe('J12 on the way to PostgreSQL', () => {
  beforeAll(async () => {
    tenant = await makeTenant(test)
  })

  it.each([
    ['each piece takes half a second', { delayMs: 400, jitterMs: 200 }],
    ['a kilobyte takes a second', { bytesPerSecond: 1024 }],
    ['each byte comes alone', { sliceBytes: 1 }],
  ])('%s: the whole answer or 503', async (_, traffic) => {
    await expectServed()
    const { body: before } = await read()
    test.proxy.impair(traffic, tenant.databaseName)
    const [warm, ...cold] = await Promise.all([read(), read(), read()])
    for (const { status, headers, text, body } of [warm, ...cold]) {
      expect(Number(headers['content-length'])).toBe(Buffer.byteLength(text))
      if (status === 200) expect(body).toEqual(before)
      else expect(status).toBe(503)
    }
    // What is slow is not broken: an open connection answers.
    expect(warm?.status).toBe(200)
    test.proxy.heal()
    await expectServed()
  })

  it('connections are reset in the middle of a result: 503 or the whole answer, never a part', async () => {
    await runIn(
      tenant.databaseName,
      `UPDATE users SET metadata = jsonb_build_object('long', repeat('x', 12000))`,
    )
    const { body: before } = await read()
    test.proxy.impair({ bytesPerSecond: 8_000 }, tenant.databaseName)
    const asking = [read(), read(), read()]
    await eventually('a result to be under way', () => test.proxy.underWay(tenant.databaseName) > 1_000)
    test.proxy.reset(tenant.databaseName)
    const replies = await Promise.all(asking)
    expect(replies.some(({ status }) => status === 503)).toBe(true)
    for (const { status, body } of replies) {
      if (status === 200) expect(body).toEqual(before)
      else expect(body.code).toBe('database-unavailable')
    }
    test.proxy.heal()
    await expectServed()
  })
})
