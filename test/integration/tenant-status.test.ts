import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let member: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  member = await test.api.login(owner, tenantId)
})
afterEach(() => setStatus('active'))
afterAll(() => test.close())

async function setStatus(status: string): Promise<void> {
  await inCore(test.platform, sql`UPDATE tenants SET status = ${status} WHERE id = ${tenantId}`)
  test.platform.tenancy.invalidate(tenantId)
}

/** One call of every route that leads into a tenant. */
async function knock(faulty: boolean): Promise<ApiReply[]> {
  const { email, password } = owner
  const call = { tenantId, faulty }
  const newcomer = { email: `${unique('new')}@example.com`, password: PASSWORD }
  return [
    await test.api.get('/users/me', { ...call, token: member.token }),
    await test.api.put('/users/me', {}, { ...call, token: member.token }),
    await test.api.post('/auth/login', { email, password }, call),
    await test.api.post('/auth/register', newcomer, call),
    await test.api.post('/auth/refresh', { refresh_token: member.refreshToken }, call),
  ]
}

describe.each(['provisioning', 'failed'])('B8 a tenant that is %s', (status) => {
  it('is not entered: 503 tenant-not-ready with Retry-After', async () => {
    await setStatus(status)
    for (const reply of await knock(true)) {
      expect(reply).toMatchObject({ status: 503, body: { code: 'tenant-not-ready' } })
      expect(reply.headers['retry-after']).toMatch(/^[1-9]\d*$/)
    }
  })

  it('costs no connection to its half-made database', async () => {
    await setStatus(status)
    const fresh = await startCheckedPlatform({ databaseUrl: test.databaseUrl })
    try {
      const { email, password } = owner
      const call = { tenantId, faulty: true }
      expect((await fresh.api.post('/auth/login', { email, password }, call)).status).toBe(503)
      expect(fresh.platform.tenancy.connections().open).toBe(0)
    } finally {
      await fresh.close()
    }
  })
})

it('B8 a tenant that is suspended is not entered: 403, and its people’s tokens stop at once', async () => {
  await setStatus('suspended')
  for (const reply of await knock(false)) {
    expect(reply).toMatchObject({ status: 403, body: { code: 'tenant-suspended' } })
  }
})

it('B8 an organization says its status to its owner', async () => {
  for (const status of ['suspended', 'failed', 'provisioning']) {
    await setStatus(status)
    const reply = await test.api.get(`/organizations/${tenantId}`, { token: owner.token })
    expect(reply).toMatchObject({ status: 200, body: { id: tenantId, status } })
  }
})

it('B8 a tenant that is active again works again, with the same tokens', async () => {
  await setStatus('suspended')
  await knock(false)
  await setStatus('active')
  expect((await test.api.get('/users/me', { token: member.token, tenantId })).status).toBe(200)
})
