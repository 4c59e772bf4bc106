import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import type { ApiCall } from '../support/api-client.ts'
import { makeKey } from '../support/api-keys.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { addLinked, enter } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'

const DAY_MS = 86_400_000
const STALE = { status: 403, body: { code: 'step-up-required' } }

let test: CheckedPlatform
let tenantId: string
let ownerId: string
/** As the owner, who signed in just now. */
let owner: ApiCall
beforeAll(async () => {
  test = await startCheckedPlatform()
  const founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id
  const { tenantToken, memberId } = await enter(test, tenantId, founder)
  owner = { token: tenantToken, tenantId }
  ownerId = memberId
})
afterAll(() => test.close())

/** Somebody else's organization. */
async function otherOwner(): Promise<ApiCall & { tenantId: string }> {
  const founder = await test.api.register()
  const other = (await test.api.createOrganization(founder)).id
  return { token: (await enter(test, other, founder)).tenantToken, tenantId: other }
}

const create = (wish: object, call = owner) => test.api.post('/api-keys', wish, call)
const days = ({ created_at, expires_at }: { created_at: string; expires_at: string }) =>
  (Date.parse(expires_at) - Date.parse(created_at)) / DAY_MS

describe('making a key', () => {
  it('shows it once, and keeps no more of it than a hash', async () => {
    const made = await create({ name: 'CI', scopes: ['members.read', 'audit.read'] })
    expect(made.status).toBe(201)
    expect(made.headers['cache-control']).toBe('no-store')
    const { key, ...rest } = made.body
    expect(rest).toEqual({
      id: expect.any(String),
      name: 'CI',
      scopes: ['members.read', 'audit.read'],
      status: 'active',
      created_by: ownerId,
      created_at: expect.any(String),
      expires_at: expect.any(String),
      last_used_at: null,
      last_used_from: null,
      revoked_at: null,
      revoked_by: null,
    })
    expect(days(rest)).toBe(90)
    expect(key).toMatch(new RegExp(`^tnk_${rest.id.replaceAll('-', '')}_[\\w-]{43}$`))
    expect((await test.api.get(`/api-keys/${rest.id}`, owner)).body).toEqual(rest)
    const secret = key.slice(-43)
    const stored = await inTenant(
      test.platform,
      tenantId,
      sql`SELECT to_jsonb(api_keys) AS row FROM api_keys UNION ALL SELECT to_jsonb(audit_log) FROM audit_log`,
    )
    expect(JSON.stringify(stored)).not.toContain(secret)
  })

  it.each([1, 366])('gives it %i days where that is asked for', async (wanted) => {
    const made = await create({ name: 'x', scopes: ['profile.read'], expires_in_days: wanted })
    expect(days(made.body)).toBe(wanted)
  })

  it.each([
    ['no name', { scopes: ['profile.read'] }],
    ['an empty name', { name: '', scopes: ['profile.read'] }],
    ['no scopes', { name: 'x' }],
    ['none of the scopes', { name: 'x', scopes: [] }],
    ['the same scope twice', { name: 'x', scopes: ['profile.read', 'profile.read'] }],
    ['a scope that there is not', { name: 'x', scopes: ['members.eat'] }],
    ['all scopes', { name: 'x', scopes: ['*'] }],
    ['no end', { name: 'x', scopes: ['profile.read'], expires_in_days: null }],
    ['an end at once', { name: 'x', scopes: ['profile.read'], expires_in_days: 0 }],
    ['an end after a year', { name: 'x', scopes: ['profile.read'], expires_in_days: 367 }],
    ['a key of one’s own', { name: 'x', scopes: ['profile.read'], key: 'tnk_mine' }],
    ['another maker', { name: 'x', scopes: ['profile.read'], created_by: newId() }],
  ])('refuses %s: 422', async (_, wish) => {
    expect(await create(wish)).toMatchObject({ status: 422, body: { code: 'validation-failed' } })
  })

  it.each([
    'account.own',
    'sessions.own',
    'profile.write',
    'api_keys.manage',
    'organization.sso',
    'organization.transfer',
    'impersonations.read',
    'impersonations.end',
  ])('G5 gives %s to no key, whoever asks: 422', async (scope) => {
    const reply = await create({ name: 'x', scopes: ['profile.read', scope] })
    expect(reply).toMatchObject({ status: 422, body: { code: 'validation-failed' } })
    expect(reply.body.errors).toEqual([{ pointer: '/scopes/1', code: 'not-for-keys' }])
  })

  it('G5 gives no more than its maker may do: 403, with what is too much', async () => {
    const admin = await addLinked(test, tenantId, 'admin')
    const wish = { name: 'x', scopes: ['members.read', 'organization.transfer'] }
    const reply = await create(wish, { token: admin.tenantToken, tenantId })
    expect(reply).toMatchObject({ status: 403, body: { code: 'permission-denied' } })
    expect(reply.body.detail).toContain('organization.transfer')
    expect(reply.body.detail).not.toContain('members.read')
  })

  it('G5 is for those who run the organization: members hear 403 on every route', async () => {
    const member = await addLinked(test, tenantId)
    const call = { token: member.tenantToken, tenantId }
    const { id } = await makeKey(test, owner)
    const replies = [
      await create({ name: 'x', scopes: ['profile.read'] }, call),
      await test.api.get('/api-keys', call),
      await test.api.get(`/api-keys/${id}`, call),
      await test.api.patch(`/api-keys/${id}`, { name: 'y' }, call),
      await test.api.delete(`/api-keys/${id}`, call),
    ]
    for (const reply of replies)
      expect(reply).toMatchObject({ status: 403, body: { code: 'permission-denied' } })
  })

  it('O9 wants a session of the last ten minutes, as revoking does; reading and renaming do not', async () => {
    const admin = await addLinked(test, tenantId, 'admin')
    const call = { token: admin.tenantToken, tenantId }
    const { id } = await makeKey(test, call)
    await inTenant(
      test.platform,
      tenantId,
      sql`UPDATE sessions SET authenticated_at = now() - interval '11 minutes' WHERE user_id = ${admin.memberId}`,
    )
    expect(await create({ name: 'x', scopes: ['profile.read'] }, call)).toMatchObject(STALE)
    expect(await test.api.delete(`/api-keys/${id}`, call)).toMatchObject(STALE)
    expect((await test.api.get('/api-keys', call)).status).toBe(200)
    expect((await test.api.patch(`/api-keys/${id}`, { name: 'y' }, call)).status).toBe(200)
  })
})

describe('managing keys', () => {
  it('lists them newest first, in pages, and by status', async () => {
    const call = await otherOwner()
    const made: string[] = []
    for (let count = 0; count < 5; count++) made.unshift((await makeKey(test, call)).id)
    await test.api.delete(`/api-keys/${made[1]}`, call)
    await inTenant(
      test.platform,
      call.tenantId,
      sql`UPDATE api_keys SET expires_at = now() WHERE id = ${made[2]}`,
    )
    const pages: string[][] = []
    let cursor: string | null = null
    do {
      const query: string = cursor === null ? '' : `&cursor=${cursor}`
      const { body } = await test.api.get(`/api-keys?limit=2${query}`, call)
      pages.push(body.items.map(({ id }: { id: string }) => id))
      cursor = body.next_cursor
    } while (cursor !== null)
    expect(pages).toEqual([made.slice(0, 2), made.slice(2, 4), made.slice(4)])
    const withStatus = async (status: string) =>
      (await test.api.get(`/api-keys?status=${status}`, call)).body.items.map(({ id }: { id: string }) => id)
    expect(await withStatus('active')).toEqual([made[0], made[3], made[4]])
    expect(await withStatus('revoked')).toEqual([made[1]])
    expect(await withStatus('expired')).toEqual([made[2]])
  })

  it('B10 knows no key of another organization, and takes no cursor of it', async () => {
    const elsewhere = await otherOwner()
    const { id } = await makeKey(test, elsewhere)
    await makeKey(test, elsewhere)
    for (const reply of [
      await test.api.get(`/api-keys/${id}`, owner),
      await test.api.patch(`/api-keys/${id}`, { name: 'mine' }, owner),
      await test.api.delete(`/api-keys/${id}`, owner),
    ])
      expect(reply).toMatchObject({ status: 404, body: { code: 'not-found' } })
    const { next_cursor } = (await test.api.get('/api-keys?limit=1', elsewhere)).body
    expect((await test.api.get(`/api-keys?cursor=${next_cursor}`, owner)).status).toBe(422)
    expect((await test.api.get(`/api-keys/${id}`, elsewhere)).body.status).toBe('active')
  })

  it('renames, and revokes once however often it is asked; the audit log has each of it once', async () => {
    const call = await otherOwner()
    const { id, key } = await makeKey(test, call, ['profile.read', 'members.read'])
    expect((await test.api.patch(`/api-keys/${id}`, { name: 'Other' }, call)).body.name).toBe('Other')
    for (let time = 0; time < 3; time++) {
      const reply = await test.api.delete(`/api-keys/${id}`, call)
      expect(reply).toMatchObject({ status: 204, text: '' })
    }
    expect((await test.api.get('/users/me', { ...call, token: key })).status).toBe(401)
    const revoked = (await test.api.get(`/api-keys/${id}`, call)).body
    expect(revoked).toMatchObject({ status: 'revoked', revoked_by: revoked.created_by })
    await test.platform.repeats.settle()
    const by = { kind: 'user', id: revoked.created_by, acted_by: null }
    const { items } = (await test.api.get(`/audit?target=${id}`, call)).body
    expect(
      items.map(({ action, actor, details }: Record<string, unknown>) => [action, actor, details]),
    ).toEqual([
      ['api_key.refused', { kind: 'api_key', id: null, acted_by: null }, { attempts: 1, reason: 'revoked' }],
      ['api_key.revoked', by, {}],
      ['api_key.renamed', by, {}],
      ['api_key.created', by, { scopes: ['profile.read', 'members.read'], days: 90 }],
    ])
  })
})
