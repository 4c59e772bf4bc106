import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ApiCall } from '../support/api-client.ts'
import { makeKey } from '../support/api-keys.ts'
import { atOnce } from '../support/at-once.ts'
import { addLinked, enter } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const MOST = 100

let test: TwoProcesses
beforeAll(async () => {
  test = await startTwoProcesses()
})
afterAll(() => test.close())

async function organization(): Promise<ApiCall & { tenantId: string }> {
  const founder = await test.one.api.register()
  const tenantId = (await test.one.api.createOrganization(founder)).id
  return { token: (await enter(test.one, tenantId, founder)).tenantToken, tenantId }
}

/** As many more keys as are wanted, behind the API's back. */
async function fill({ tenantId }: { tenantId: string }, count: number): Promise<void> {
  await inTenant(
    test.one.platform,
    tenantId,
    sql`INSERT INTO api_keys (id, name, secret_hash, scopes, created_by, expires_at)
      SELECT gen_random_uuid(), 'filler', '', '{}', users.id, now() + interval '1 day'
      FROM generate_series(1, ${count}), (SELECT id FROM users LIMIT 1) AS users`,
  )
}

async function live({ tenantId }: { tenantId: string }): Promise<number> {
  const [row] = await inTenant<{ live: number }>(
    test.one.platform,
    tenantId,
    sql`SELECT count(*)::integer AS live FROM api_keys WHERE revoked_at IS NULL AND expires_at > now()`,
  )
  return row?.live ?? 0
}

const wish = { name: 'raced', scopes: ['profile.read'] }

it('H14 of sixteen that are made at once, in two processes, none goes beyond a hundred', async () => {
  const call = await organization()
  await fill(call, MOST - 5)
  const replies = await atOnce(16, (index) => test.apiOf(index).post('/api-keys', wish, call))
  const made = replies.filter(({ status }) => status === 201)
  expect(made).toHaveLength(5)
  for (const reply of replies.filter(({ status }) => status !== 201))
    expect(reply).toMatchObject({ status: 409, body: { code: 'too-many-api-keys' } })
  expect(await live(call)).toBe(MOST)
  // What is revoked or over makes room.
  await test.one.api.delete(`/api-keys/${made[0]?.body.id}`, call)
  expect((await test.other.api.post('/api-keys', wish, call)).status).toBe(201)
  await inTenant(
    test.one.platform,
    call.tenantId,
    sql`UPDATE api_keys SET expires_at = now() WHERE name = 'filler'`,
  )
  expect((await test.other.api.post('/api-keys', wish, call)).status).toBe(201)
})

it('revoked in one process, a key is refused in the other with the next request', async () => {
  const call = await organization()
  const { id, key } = await makeKey(test.one, call)
  const use = () => test.other.api.get('/users/me', { ...call, token: key })
  expect((await use()).status).toBe(200)
  const replies = await atOnce(8, (index) => test.apiOf(index).delete(`/api-keys/${id}`, call))
  for (const { status } of replies) expect(status).toBe(204)
  expect((await use()).status).toBe(401)
  const { items } = (await test.one.api.get(`/audit?target=${id}&action=api_key.revoked`, call)).body
  expect(items).toHaveLength(1)
})

it('a maker who is deactivated meanwhile leaves no key behind that is good', async () => {
  const call = await organization()
  for (let round = 0; round < 8; round++) {
    const admin = await addLinked(test.one, call.tenantId, 'admin')
    const own = { token: admin.tenantToken, tenantId: call.tenantId }
    const [made] = await Promise.all([
      test.one.api.post('/api-keys', wish, own),
      test.other.api.post(`/members/${admin.memberId}/deactivate`, {}, call),
    ])
    expect([201, 401, 403]).toContain(made.status)
    if (made.status !== 201) continue
    const reply = await test.other.api.get(`/api-keys/${made.body.id}`, call)
    expect(reply.body.status).toBe('revoked')
  }
})
