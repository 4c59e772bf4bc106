import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform({ env: { TENANT_CONNECTIONS_PER_TENANT: '1' } })
  owner = await test.api.register()
})
afterAll(() => test.close())

interface Inside {
  readonly id: string
  readonly databaseName: string
  readonly member: SignedInUser
}

async function makeTenant(): Promise<Inside> {
  const { id, database_name } = await test.api.createOrganization(owner)
  return { id, databaseName: database_name, member: await test.api.login(owner, id) }
}

/** One call of every route that needs the tenant's database. */
async function knock({ id, member }: Inside): Promise<ApiReply[]> {
  const call = { tenantId: id, faulty: true }
  const newcomer = { email: `${unique('new')}@example.com`, password: PASSWORD }
  const { email, password, refreshToken } = member
  return [
    await test.api.get('/users/me', { ...call, token: member.token }),
    await test.api.put('/users/me', { phone: '112' }, { ...call, token: member.token }),
    await test.api.post('/auth/login', { email, password }, call),
    await test.api.post('/auth/register', newcomer, call),
    await test.api.post('/auth/refresh', { refresh_token: refreshToken }, call),
  ]
}

describe('a tenant’s database', () => {
  it('J5 that is gone: 503 tenant-unavailable, never 401 or 404, and others are served', async () => {
    const [gone, other] = [await makeTenant(), await makeTenant()]
    await onServer(async (server) => {
      // The platform's role may end the tenant's sessions only as a member of its role.
      await server.query(`GRANT "${gone.databaseName}" TO CURRENT_USER`)
      await server.query(`DROP DATABASE "${gone.databaseName}" WITH (FORCE)`)
    })
    for (const { status, body } of await knock(gone)) {
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'tenant-unavailable' })
    }
    for (const { status } of await knock(other)) expect(status).toBeLessThan(300)
    const { rows } = await onServer((server) =>
      server.query('SELECT FROM pg_database WHERE datname = $1', [gone.databaseName]),
    )
    expect(rows).toEqual([])
  })

  it('J21 that is behind the code: 503 tenant-not-ready', async () => {
    const behind = await makeTenant()
    await inTenant(test.platform, behind.id, sql`ALTER TABLE users RENAME TO people`)
    for (const { status, body } of await knock(behind)) {
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'tenant-not-ready' })
    }
  })

  it('I5 whose connections are all taken: 503 overloaded, while others are served', async () => {
    const [busy, other] = [await makeTenant(), await makeTenant()]
    const gate = Promise.withResolvers<void>()
    const taken = Promise.withResolvers<void>()
    const holding = test.platform.tenancy.withTenant(busy.id, (tenant) =>
      tenant.transaction(async () => {
        taken.resolve()
        await gate.promise
      }),
    )
    try {
      await taken.promise
      const call = { token: busy.member.token, tenantId: busy.id, faulty: true }
      const waiting = test.api.get('/users/me', call)
      for (const { status } of await knock(other)) expect(status).toBeLessThan(300)
      expect(await waiting).toMatchObject({ status: 503, body: { code: 'overloaded' } })
    } finally {
      gate.resolve()
      await holding
    }
    for (const { status } of await knock(busy)) expect(status).toBeLessThan(300)
  })
})
