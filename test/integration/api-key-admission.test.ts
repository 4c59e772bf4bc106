import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { noteUse } from '../../src/auth/api-keys/store.ts'
import { newId } from '../../src/platform/index.ts'
import type { ApiCall, ApiReply } from '../support/api-client.ts'
import { type MadeKey, makeKey } from '../support/api-keys.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { addLinked, enter } from '../support/people.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { createTestClock } from '../support/second-factor.ts'

const REFUSED = { status: 401, body: { code: 'invalid-token' } }

const clock = createTestClock()
let test: CheckedPlatform
let tenantId: string
let other: string
let owner: ApiCall
let machine: MadeKey
beforeAll(async () => {
  test = await startCheckedPlatform({
    clock,
    extend: (app, { keyGuard }) => {
      const named = keyGuard(({ params }) => Reflect.get(Object(params), 'tenant'))
      const guard = named.requires('directory.provision')
      const handler = { onRequest: guard.onRequest, schema: { hide: true } } as const
      app.get('/test/scim/:tenant', handler, (request) => ({ id: guard.admitted(request).keyId }))
    },
  })
  const founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id
  other = (await test.api.createOrganization(founder)).id
  owner = { token: (await enter(test, tenantId, founder)).tenantToken, tenantId }
  machine = await makeKey(test, owner)
})
afterAll(() => test.close())

const change = (statement: SQL) => inTenant(test.platform, tenantId, statement)
const use = (key: string, tenant = tenantId): Promise<ApiReply> =>
  test.api.get('/users/me', { token: key, tenantId: tenant })

/** An answer without what differs from request to request. */
function essence({ status, headers, body }: ApiReply): object {
  const { instance: _, ...problem } = body
  const { date: _date, 'x-request-id': _id, ...rest } = headers
  return { status, problem, headers: rest }
}

describe('O11 a key that is not good', () => {
  it('is answered 401, whatever is wrong with it, and byte for byte alike', async () => {
    const [id, secret] = [machine.key.slice(4, 36), machine.key.slice(-43)]
    const [revoked, expired] = [await makeKey(test, owner), await makeKey(test, owner)]
    await test.api.delete(`/api-keys/${revoked.id}`, owner)
    await change(sql`UPDATE api_keys SET expires_at = now() WHERE id = ${expired.id}`)
    const letter = secret.startsWith('A') ? 'B' : 'A'
    const replies = await Promise.all([
      use('tnk_'),
      use(`tnk_${id}`),
      use(`tnk_${id}_`),
      use(`tnr_${id}_${secret}`),
      use(`TNK_${id}_${secret}`),
      use(`tnk_${machine.id}_${secret}`),
      use(`tnk_${id.toUpperCase()}_${secret}`),
      use(`${machine.key}A`),
      use(`tnk_${id}_${letter}${secret.slice(1)}`),
      use(`tnk_${newId().replaceAll('-', '')}_${secret}`),
      use(`tnk_${revoked.key.slice(4, 36)}_${secret}`),
      use(revoked.key),
      use(expired.key),
      // B1: another tenant, one that there is not, one that is no more.
      use(machine.key, other),
      use(machine.key, newId()),
    ])
    await inCore(test.platform, sql`UPDATE tenants SET status = 'suspended' WHERE id = ${other}`)
    test.platform.tenancy.invalidate(other)
    replies.push(await use(machine.key, other))
    await inCore(test.platform, sql`UPDATE tenants SET status = 'active' WHERE id = ${other}`)
    test.platform.tenancy.invalidate(other)
    for (const reply of replies) {
      expect(reply).toMatchObject(REFUSED)
      expect(essence(reply)).toEqual(essence(replies[0] as ApiReply))
    }
    expect((await use(machine.key)).status).toBe(200)
  })

  it('A20 is not read from the query, a cookie or a body', async () => {
    const value = machine.key
    for (const name of ['access_token', 'token', 'api_key', 'key']) {
      const call = { tenantId, headers: { cookie: `${name}=${value}`, 'x-api-key': value } }
      const reply = await test.api.send('GET', `/api/v1/users/me?${name}=${value}`, undefined, call)
      expect(reply).toMatchObject({ status: 401, body: { code: 'authentication-required' } })
    }
    const basic = { tenantId, headers: { authorization: `Basic ${value}` } }
    expect(await test.api.get('/users/me', basic)).toMatchObject(REFUSED)
  })

  it('B2 B4 needs the tenant header too, well written: 400', async () => {
    const call = { token: machine.key }
    const missing = await test.api.get('/users/me', call)
    expect(missing).toMatchObject({ status: 400, body: { code: 'tenant-header-required' } })
    const upper = await test.api.get('/users/me', { ...call, tenantId: tenantId.toUpperCase() })
    expect(upper).toMatchObject({ status: 400, body: { code: 'tenant-header-invalid' } })
  })

  it('makes a few audit entries, however often it is tried, and none where there is no such key', async () => {
    const wrong = `${machine.key.slice(0, -43)}${'A'.repeat(43)}`
    const nobodys = `tnk_${newId().replaceAll('-', '')}_${'A'.repeat(43)}`
    for (let time = 0; time < 25; time++) await Promise.all([use(wrong), use(nobodys)])
    await test.platform.repeats.settle()
    const rows = await change(sql`SELECT details FROM audit_log
      WHERE action = 'api_key.refused' AND target_id = ${machine.id} AND details->>'reason' = 'secret' ORDER BY id`)
    // The test above tried it once.
    const attempts = rows.map(({ details }) => Reflect.get(Object(details), 'attempts'))
    expect(attempts).toEqual([1, 10])
    expect(
      await change(sql`SELECT FROM audit_log WHERE action = 'api_key.refused' AND target_id IS NULL`),
    ).toEqual([])
  })
})

describe('O11 a key and whoever made it', () => {
  async function admin() {
    const person = await addLinked(test, tenantId, 'admin')
    const call = { token: person.tenantToken, tenantId }
    return { person, key: await makeKey(test, call, ['profile.read', 'members.read']) }
  }
  const list = ({ key }: MadeKey) => test.api.get('/members', { token: key, tenantId })

  it('can do less from the moment on that the maker can', async () => {
    const { person, key } = await admin()
    expect((await list(key)).status).toBe(200)
    await test.api.patch(`/members/${person.memberId}`, { role: 'member' }, owner)
    expect(await list(key)).toMatchObject({ status: 403, body: { code: 'permission-denied' } })
    expect((await use(key.key)).status).toBe(200)
    await test.api.patch(`/members/${person.memberId}`, { role: 'admin' }, owner)
    expect((await list(key)).status).toBe(200)
  })

  it('ends with the maker’s deactivation, and does not come back', async () => {
    const { person, key } = await admin()
    await test.api.post(`/members/${person.memberId}/deactivate`, {}, owner)
    expect(await use(key.key)).toMatchObject(REFUSED)
    await test.api.post(`/members/${person.memberId}/reactivate`, {}, owner)
    expect(await use(key.key)).toMatchObject(REFUSED)
    expect((await test.api.get(`/api-keys/${key.id}`, owner)).body.status).toBe('revoked')
  })

  it('is good for nothing while the maker is not active, however that came', async () => {
    const { person, key } = await admin()
    await change(sql`UPDATE users SET is_active = false WHERE id = ${person.memberId}`)
    expect(await use(key.key)).toMatchObject(REFUSED)
  })

  it('goes with the maker’s removal', async () => {
    const { person, key } = await admin()
    await test.api.delete(`/members/${person.memberId}`, owner)
    expect(await use(key.key)).toMatchObject(REFUSED)
    expect((await test.api.get(`/api-keys/${key.id}`, owner)).status).toBe(404)
  })

  it('is refused within a minute once the maker’s platform account is disabled', async () => {
    const { person, key } = await admin()
    expect((await use(key.key)).status).toBe(200)
    await inCore(test.platform, sql`UPDATE users SET is_active = false WHERE id = ${person.id}`)
    for (let step = 0; step < 2; step++) clock.nextStep()
    expect(await use(key.key)).toMatchObject(REFUSED)
  })

  it('is not asked for the second factor that the organization requires', async () => {
    await change(sql`INSERT INTO second_factor_policy (is_required) VALUES (true)`)
    try {
      const person = await test.api.get('/users/me', owner)
      expect(person).toMatchObject({ status: 403, body: { code: 'mfa-required' } })
      expect((await use(machine.key)).status).toBe(200)
    } finally {
      await change(sql`DELETE FROM second_factor_policy`)
    }
  })
})

it('notes when and from where a key was used, once a minute, behind the answer', async () => {
  const { id, key } = await makeKey(test, owner)
  const noted = async () => {
    await test.platform.keyAdmission.settle()
    return (await test.api.get(`/api-keys/${id}`, owner)).body
  }
  await Promise.all(Array.from({ length: 16 }, () => use(key)))
  const first = await noted()
  expect(Date.now() - Date.parse(first.last_used_at)).toBeLessThan(60_000)
  expect(first.last_used_from).toBe('127.0.0.0/24')
  await use(key)
  expect((await noted()).last_used_at).toBe(first.last_used_at)
  // Another process may have seen it stale too.
  await noteUse(await test.platform.tenancy.enter(tenantId), id, 'elsewhere')
  expect((await noted()).last_used_from).toBe('127.0.0.0/24')
  await change(sql`UPDATE api_keys SET last_used_at = now() - interval '61 seconds' WHERE id = ${id}`)
  await use(key)
  expect(Date.parse((await noted()).last_used_at)).toBeGreaterThanOrEqual(Date.parse(first.last_used_at))
})

it('a use that cannot be noted is no failure of the request', async () => {
  const { key } = await makeKey(test, owner)
  await change(sql`ALTER TABLE api_keys RENAME COLUMN last_used_from TO hidden`)
  try {
    expect((await use(key)).status).toBe(200)
    await test.platform.keyAdmission.settle()
  } finally {
    await change(sql`ALTER TABLE api_keys RENAME COLUMN hidden TO last_used_from`)
  }
  expect(test.logged.some(({ msg }) => msg === 'the use of an API key could not be noted')).toBe(true)
})

it('what a key does is in the audit log under the key, and in the access log', async () => {
  const { id, key } = await makeKey(test, owner, ['members.role', 'members.manage'])
  const { memberId } = await addLinked(test, tenantId, 'admin')
  const call = { token: key, tenantId }
  expect((await test.api.patch(`/members/${memberId}`, { role: 'member' }, call)).status).toBe(200)
  expect((await test.api.delete(`/members/${memberId}`, call)).status).toBe(204)
  const { items } = (await test.api.get(`/audit?actor=${id}`, owner)).body
  const done = items.map(({ action, actor }: { action: string; actor: object }) => [action, actor])
  const actor = { kind: 'api_key', id, acted_by: null }
  expect(done).toEqual([
    ['member.removed', actor],
    ['member.role_changed', actor],
  ])
  const lines = test.logged.filter((line) => line.msg === 'request' && line['api_key_id'] === id)
  expect(lines).toHaveLength(2)
})

describe('a guard for machines alone', () => {
  const scim = (tenant: string, token?: string) =>
    test.api.send('GET', `/test/scim/${tenant}`, undefined, { token })

  it('admits a key with the scope, without the tenant header', async () => {
    const { id, key } = await makeKey(test, owner, ['directory.provision'])
    expect(await scim(tenantId, key)).toMatchObject({ status: 200, body: { id } })
    expect(await scim(tenantId, machine.key)).toMatchObject({
      status: 403,
      body: { code: 'permission-denied' },
    })
    for (const tenant of [other, newId(), tenantId.toUpperCase(), 'x'])
      expect(await scim(tenant, key)).toMatchObject(REFUSED)
  })

  it('admits nobody else', async () => {
    expect(await scim(tenantId, owner.token)).toMatchObject(REFUSED)
    expect(await scim(tenantId)).toMatchObject({ status: 401, body: { code: 'authentication-required' } })
  })
})
