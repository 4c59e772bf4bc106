import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import type { ApiReply, SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { countCoreQueries, inCore } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let member: SignedInUser
let [a, b] = ['', '']
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  a = (await test.api.createOrganization(owner)).id
  b = (await test.api.createOrganization(owner)).id
  member = await test.api.login(owner, a)
})
afterAll(() => test.close())

/** Everything of an answer that may not differ, byte by byte; only its id and its second may. */
function bytesOf({ status, headers, text }: ApiReply): string {
  const id = headers['x-request-id'] ?? ''
  return JSON.stringify({ status, headers: { ...headers, date: '' }, text }).replaceAll(id, 'ID')
}

/** Runs `work` and says how much it made the platform look up. */
async function lookUps(work: () => Promise<unknown>): Promise<number> {
  const before = test.platform.tenancy.connections().open
  const queries = countCoreQueries(test.platform)
  await work()
  queries.stop()
  return queries.count + test.platform.tenancy.connections().open - before
}

describe('B1 a token of one tenant with the header of another', () => {
  it('is refused with the same bytes whether the other exists, in whatever state, or not', async () => {
    const withHeader = (tenantId: string) => test.api.get('/users/me', { token: member.token, tenantId })
    const existing = await withHeader(b)
    expect(existing).toMatchObject({ status: 403, body: { code: 'tenant-mismatch' } })
    const others = [await withHeader(newId()), await withHeader('00000000-0000-4000-8000-000000000000')]
    for (const status of ['suspended', 'provisioning', 'failed', 'active']) {
      await inCore(test.platform, sql`UPDATE tenants SET status = ${status} WHERE id = ${b}`)
      test.platform.tenancy.invalidate(b)
      others.push(await withHeader(b))
    }
    for (const reply of others) expect(bytesOf(reply)).toBe(bytesOf(existing))
  })

  it('looks nothing up, and writes nothing', async () => {
    const put = (tenantId: string) =>
      test.api.put('/users/me', { phone: '112' }, { token: member.token, tenantId })
    for (const id of [b, newId()]) {
      test.platform.tenancy.invalidate(id)
      expect(await lookUps(() => put(id))).toBe(0)
    }
  })
})

it('B2 a tenant route without the header is refused: 400, never led by the token', async () => {
  for (const reply of [
    await test.api.get('/users/me', { token: member.token }),
    await test.api.put('/users/me', { phone: '112' }, { token: member.token }),
  ]) {
    expect(reply).toMatchObject({ status: 400, body: { code: 'tenant-header-required' } })
  }
})

describe('B4 a header that is not exactly one id', () => {
  it.each<readonly [string, (id: string) => string]>([
    ['empty', () => ''],
    ['a space', () => ' '],
    ['a tab', () => '\t'],
    ['null', () => 'null'],
    ['undefined', () => 'undefined'],
    ['0', () => '0'],
    ['*', () => '*'],
    ['%', () => '%'],
    ['a slug', () => 'acme'],
    ['a path', (id) => `../${id}`],
    ['in braces', (id) => `{${id}}`],
    ['a URN', (id) => `urn:uuid:${id}`],
    ['upper case', (id) => id.toUpperCase()],
    ['without dashes', (id) => id.replaceAll('-', '')],
    ['37 characters', (id) => `${id}0`],
    ['35 characters', (id) => id.slice(1)],
    ['spaces around it', (id) => ` ${id} `],
    ['twice', (id) => `${id}, ${id}`],
    ['with another', (id) => `${id},${b}`],
    ['a database name', (id) => `tenant_${id}`],
    ['an escape', (id) => id.replace('-', '%2d')],
    ['SQL', (id) => `${id}' OR '1'='1`],
    ['__proto__', () => '__proto__'],
    ['the nil id', () => '00000000-0000-0000-0000-000000000000'],
  ])('%s: 400, and nothing is looked up', async (_, spell) => {
    const tenantId = spell(a)
    const { email, password } = owner
    const looked = await lookUps(async () => {
      for (const reply of [
        await test.api.get('/users/me', { token: member.token, tenantId }),
        await test.api.put('/users/me', {}, { token: member.token, tenantId }),
        await test.api.post('/auth/login', { email, password }, { tenantId }),
        await test.api.post('/auth/register', { email, password }, { tenantId }),
        await test.api.post('/auth/refresh', { refresh_token: member.refreshToken }, { tenantId }),
      ]) {
        expect(reply).toMatchObject({ status: 400, body: { code: 'tenant-header-invalid' } })
      }
    })
    expect(looked).toBe(0)
  })
})

describe('B6 the header on a route of the platform', () => {
  it.each<readonly [string, () => string]>([
    ['an own tenant', () => a],
    ['an unknown tenant', () => newId()],
    ['nonsense', () => "' OR 1=1 --"],
    ['nothing', () => ''],
  ])('naming %s is ignored, and no tenant database is opened', async (_, name) => {
    const fresh = await startCheckedPlatform({ databaseUrl: test.databaseUrl })
    try {
      const call = { token: owner.token, tenantId: name() }
      const list = await fresh.api.get('/organizations/me', call)
      expect(list.status).toBe(200)
      expect(list.body.map(({ id }: { id: string }) => id)).toEqual([a, b])
      expect((await fresh.api.get(`/organizations/${a}`, call)).body.id).toBe(a)
      expect((await fresh.api.post('/organizations', {}, call)).status).toBe(422)
      expect(fresh.platform.tenancy.connections().open).toBe(0)
    } finally {
      await fresh.close()
    }
  })
})

describe('the order of the checks on a tenant route', () => {
  const get = (call: { token?: string; tenantId?: string }) => test.api.get('/users/me', call)

  it('is token, scope, header, match: the first that fails is the answer', async () => {
    const nonsense = 'nonsense'
    const answers = [
      await get({ tenantId: nonsense }),
      await get({ token: 'garbage', tenantId: nonsense }),
      await get({ token: owner.token, tenantId: nonsense }),
      await get({ token: owner.token }),
      await get({ token: member.token, tenantId: nonsense }),
      await get({ token: member.token, tenantId: b }),
    ]
    expect(answers.map(({ body }) => body.code)).toEqual([
      'authentication-required',
      'invalid-token',
      'insufficient-scope',
      'insufficient-scope',
      'tenant-header-invalid',
      'tenant-mismatch',
    ])
  })

  it('comes before the body: who is not admitted learns nothing of its rules', async () => {
    const reply = await test.api.put('/users/me', { unknown: 1 }, { token: member.token, tenantId: b })
    expect(reply.status).toBe(403)
  })

  it('looks for the tenant before the session', async () => {
    await inCore(test.platform, sql`UPDATE tenants SET status = 'suspended' WHERE id = ${a}`)
    test.platform.tenancy.invalidate(a)
    try {
      const reply = await get({ token: member.token, tenantId: a })
      expect(reply).toMatchObject({ status: 403, body: { code: 'tenant-suspended' } })
    } finally {
      await inCore(test.platform, sql`UPDATE tenants SET status = 'active' WHERE id = ${a}`)
      test.platform.tenancy.invalidate(a)
    }
  })
})
