import { setTimeout as sleep } from 'node:timers/promises'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Platform } from '../../src/compose.ts'
import type { HttpServer } from '../../src/http/index.ts'
import { currentContext } from '../../src/platform/index.ts'
import { type ApiClient, type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { TEST_ROUTES } from '../support/sane.ts'

const TENANTS = 20
const WANDER = `${TEST_ROUTES}wander`

interface Tenant {
  readonly id: string
  readonly databaseName: string
  readonly canary: string
  readonly owner: SignedInUser
}

let test: CheckedPlatform
const tenants: Tenant[] = []
beforeAll(async () => {
  test = await startCheckedPlatform({
    env: { TENANT_CONNECTIONS: '40', TENANT_CONNECTIONS_PER_TENANT: '2' },
    extend: addWanderingRoute,
  })
  const owner = await test.api.register()
  for (let index = 0; index < TENANTS; index++) tenants.push(await makeTenant(owner))
})
afterAll(() => test.close())

async function makeTenant(owner: SignedInUser): Promise<Tenant> {
  const { id, database_name } = await test.api.createOrganization(owner)
  const inside = await test.api.login(owner, id)
  const canary = test.plant(id)
  await test.api.put('/users/me', { full_name: canary }, { token: inside.token, tenantId: id })
  return { id, databaseName: database_name, canary, owner: inside }
}

/** A route that takes its time, and between two waits tells what it knows of its tenant, from every source. */
function addWanderingRoute(app: HttpServer, { tenantGuard }: Platform): void {
  const guard = tenantGuard.requires('profile.read')
  app.get(
    WANDER,
    { onRequest: guard.onRequest, schema: { hide: true } },
    async (request): Promise<{ told: unknown[] }> => {
      const { tenant, user } = guard.admitted(request)
      await sleep(Math.random() * 5)
      const { rows } = await tenant.orm.execute(
        sql`SELECT full_name, current_database() AS database FROM users, pg_sleep(${Math.random() / 500})`,
      )
      await sleep(Math.random() * 5)
      const inTransaction = await tenant.transaction((tx) =>
        tx.orm.execute(sql`SELECT full_name, current_database() AS database FROM users`),
      )
      const context = { full_name: user.fullName, database: `tenant_${currentContext().tenant_id}` }
      return { told: [...rows, ...inTransaction.rows, context] }
    },
  )
}

/** Sends `count` requests at once, of all tenants in turn, and checks that each hears of its own tenant alone. */
async function wander(api: ApiClient, count: number): Promise<void> {
  const replies = await atOnce(count, async (index) => {
    const tenant = tenants[index % TENANTS] as Tenant
    const call = { token: tenant.owner.token, tenantId: tenant.id }
    const path = (index / TENANTS) % 2 < 1 ? WANDER : '/api/v1/users/me'
    return { tenant, reply: await api.send('GET', path, undefined, call) }
  })
  for (const { tenant, reply } of replies) {
    const own = { full_name: tenant.canary, database: tenant.databaseName }
    expect(reply.status).toBe(200)
    if (reply.body.told) expect(reply.body.told).toEqual([own, own, own])
    else expect(reply.body.full_name).toBe(tenant.canary)
  }
}

describe('B12 200 requests at once, of 20 tenants in turn, on 2 connections each', () => {
  it('each hear of their own tenant alone, from every source', async () => {
    await wander(test.api, 200)
    expect(test.platform.tenancy.connections().open).toBeLessThanOrEqual(40)
  })

  it('also where connections are closed for each other all the time', async () => {
    const crowded = await startCheckedPlatform({
      databaseUrl: test.databaseUrl,
      env: { TENANT_CONNECTIONS: '3' },
      extend: addWanderingRoute,
    })
    try {
      for (const { id, canary } of tenants) crowded.own(canary, id)
      await wander(crowded.api, 40)
      expect(crowded.platform.tenancy.connections().open).toBeLessThanOrEqual(3)
    } finally {
      await crowded.close()
    }
  })

  it('are logged under their own tenant', () => {
    const tenantOf = new Map(tenants.map(({ id, owner }) => [owner.id, id]))
    const lines = test.logged.filter(({ msg, user_id }) => msg === 'request' && tenantOf.has(String(user_id)))
    expect(lines.length).toBeGreaterThanOrEqual(200)
    for (const { user_id, tenant_id } of lines) expect(tenant_id).toBe(tenantOf.get(String(user_id)))
  })

  it('write into their own tenant alone', async () => {
    await Promise.all(
      Array.from({ length: 200 }, (_, index) => {
        const { id, owner, canary } = tenants[index % TENANTS] as Tenant
        return test.api.put(
          '/users/me',
          { metadata: { canary, index } },
          { token: owner.token, tenantId: id },
        )
      }),
    )
    for (const { id, owner, canary } of tenants) {
      const { body } = await test.api.get('/users/me', { token: owner.token, tenantId: id })
      expect(body.metadata.canary).toBe(canary)
      expect(tenants[body.metadata.index % TENANTS]?.id).toBe(id)
    }
  })
})

it('B18 what every role can read on the server holds generated ids alone', async () => {
  const mark = unique('customer').toLowerCase()
  const { token } = await test.api.register({ fullName: mark, email: `${mark}@example.com` })
  const reply = await test.api.post('/organizations', { name: mark, slug: mark }, { token })
  expect(reply).toMatchObject({ status: 201, body: { slug: mark } })
  const { rows } = await onServer((server) =>
    server.query<{ name: string }>(
      'SELECT datname AS name FROM pg_database UNION SELECT rolname FROM pg_roles UNION SELECT description FROM pg_shdescription',
    ),
  )
  const names = rows.map(({ name }) => name)
  expect(names).toContain(reply.body.database_name)
  expect(names.filter((name) => name.toLowerCase().includes(mark))).toEqual([])
})
