import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { withDatabase } from '../../src/platform/index.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { connectTo } from '../acceptance/support/running-postgres.ts'
import type { ApiReply } from '../support/api-client.ts'
import { TEST_ROUTES } from '../support/sane.ts'
import {
  makeTenant,
  type ProxiedPlatform,
  runIn,
  startProxiedPlatform,
  type TestTenant,
} from './support/proxied-platform.ts'

/** A route that opens a transaction and then does nothing until its tenant's gate opens. */
const HANG = `${TEST_ROUTES}hang`
const gates = new Map<string, PromiseWithResolvers<void>>()

let test: ProxiedPlatform
const tenants: TestTenant[] = []
beforeAll(async () => {
  test = await startProxiedPlatform({
    extend: (app, platform) => {
      const guard = platform.tenantGuard.requires('profile.read')
      app.post(
        HANG,
        { onRequest: guard.onRequest, schema: { hide: true } },
        async (request): Promise<object> => {
          const { tenant } = guard.admitted(request)
          await tenant.transaction(async (tx) => {
            await tx.orm.execute(sql`UPDATE users SET phone = '999'`)
            await gates.get(tenant.tenantId)?.promise
            await tx.orm.execute(sql`SELECT 1`)
          })
          return {}
        },
      )
    },
  })
  for (let count = 0; count < 6; count++) tenants.push(await makeTenant(test))
})
afterAll(async () => {
  for (const gate of gates.values()) gate.resolve()
  await test.close()
})

/** A tenant for each test, as all of them run at once. */
function takeTenant(): TestTenant {
  const tenant = tenants.pop()
  if (!tenant) throw new Error('too few tenants')
  return tenant
}

const read = ({ call }: TestTenant) => test.api.get('/users/me', call)
const write = ({ call }: TestTenant, phone: string) => test.api.put('/users/me', { phone }, call)
/** How many sessions change users at this moment. Locks can be seen by every role; what others run cannot. */
const writers = async ({ databaseName }: TestTenant) => {
  const rows = await runIn(
    databaseName,
    `SELECT DISTINCT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database
     WHERE datname = current_database() AND relation = 'users'::regclass AND mode = 'RowExclusiveLock'`,
  )
  return rows.length
}

/** Makes every change of a user take so many seconds. */
const SLOW_UPDATES = (seconds: number) => `
  CREATE OR REPLACE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(${seconds}); RETURN NEW; END $$;
  CREATE OR REPLACE TRIGGER slow BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION slow()`

const UNAVAILABLE = { status: 503, body: { code: 'database-unavailable' } }

/** Served at once, whatever happens to other tenants; as generous as a busy machine needs. */
async function expectUnhindered(other: TestTenant): Promise<void> {
  const askedAt = performance.now()
  expect((await read(other)).status).toBe(200)
  expect(performance.now() - askedAt).toBeLessThan(2_000)
}

async function expectServedAgain(tenant: TestTenant): Promise<void> {
  await eventually('the tenant to be served again', async () => (await read(tenant)).status === 200)
  expect(await write(tenant, '115')).toMatchObject({ status: 200, body: { phone: '115' } })
}

async function timed(ask: Promise<ApiReply>): Promise<{ reply: ApiReply; seconds: number }> {
  const askedAt = performance.now()
  const reply = await ask
  return { reply, seconds: (performance.now() - askedAt) / 1000 }
}

describe.concurrent('a tenant’s database, while others are served', { timeout: 40_000 }, () => {
  it('J11 falls silent in the middle of a query: 503 in 10 s, and new connections work', async () => {
    const [silent, other] = [takeTenant(), tenants[0] as TestTenant]
    await runIn(silent.databaseName, SLOW_UPDATES(1))
    const asking = timed(write(silent, '110'))
    await eventually('the query to run', async () => (await writers(silent)) === 1)
    test.proxy.impair({ blackHole: true }, silent.databaseName)
    await eventually('the answer to vanish', () => test.proxy.swallowing(silent.databaseName) > 0)
    test.proxy.impair({}, silent.databaseName)
    await expectUnhindered(other)
    const { reply, seconds } = await asking
    expect(reply).toMatchObject(UNAVAILABLE)
    expect(seconds).toBeLessThan(10)
    await runIn(silent.databaseName, 'DROP TRIGGER slow ON users')
    await expectServedAgain(silent)
  })

  it('J11 has forgotten an idle connection: one 503 at most in 10 s, then 200', async () => {
    const forgotten = takeTenant()
    await expectServedAgain(forgotten)
    // Every connection that is open now is dead and does not know; new ones are not.
    test.proxy.forget(forgotten.databaseName)
    const { reply, seconds } = await timed(read(forgotten))
    if (reply.status !== 200) expect(reply).toMatchObject(UNAVAILABLE)
    expect(seconds).toBeLessThan(10)
    await expectServedAgain(forgotten)
  })

  it('J15 is locked: 503 after 2 s, and the probe goes on', async () => {
    const locked = takeTenant()
    const locker = await connectTo(withDatabase(inject('postgresUrl'), locked.databaseName))
    await locker.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE')
    const { reply, seconds } = await timed(read(locked))
    expect(reply).toMatchObject(UNAVAILABLE)
    expect(seconds).toBeGreaterThan(1.5)
    expect(seconds).toBeLessThan(5)
    expect(await test.api.send('GET', '/health/ready')).toMatchObject({ status: 200 })
    await locker.end()
    await expectServedAgain(locked)
  })

  it('J16 is slow: 503 after 5 s, and PostgreSQL does not go on with it', async () => {
    const slow = takeTenant()
    await runIn(slow.databaseName, SLOW_UPDATES(60))
    const { reply, seconds } = await timed(write(slow, '110'))
    expect(reply).toMatchObject(UNAVAILABLE)
    expect(seconds).toBeGreaterThan(4)
    expect(seconds).toBeLessThan(10)
    await eventually('its end in PostgreSQL', async () => (await writers(slow)) === 0, { withinMs: 5_000 })
    await runIn(slow.databaseName, 'DROP TRIGGER slow ON users')
    await expectServedAgain(slow)
  })

  it('J17 is kept in a transaction by a handler that hangs: ended after 10 s, 503, nothing is written', async () => {
    const held = takeTenant()
    gates.set(held.id, Promise.withResolvers())
    const hanging = test.api.send('POST', HANG, {}, held.call)
    await eventually('the transaction', async () => (await writers(held)) === 1)
    expect((await read(held)).status).toBe(200)
    await eventually('its end', async () => (await writers(held)) === 0)
    gates.get(held.id)?.resolve()
    expect(await hanging).toMatchObject(UNAVAILABLE)
    expect((await read(held)).body.phone).not.toBe('999')
    await expectServedAgain(held)
  })
})
