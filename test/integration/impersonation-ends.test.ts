import { type SQL, sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import type { ApiCall, SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { whileHeld } from '../support/held-lock.ts'
import { type Acting, actAs, registerAdmin, start } from '../support/impersonation.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
let ownersCall: ApiCall
beforeAll(async () => {
  test = await startCheckedPlatform()
  const founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id
  owner = await test.api.login(founder, tenantId)
  ownersCall = { token: owner.token, tenantId }
})
afterAll(() => test.close())

const isIn = async (acting: Acting) => {
  const { status, body } = await test.api.get('/users/me', acting)
  if (status !== 200) expect({ status, code: body.code }).toEqual({ status: 401, code: 'invalid-token' })
  return status === 200
}
const forbid = (allow = false) => test.api.patch('/organization', { allow_impersonation: allow }, ownersCall)
const onPlatform = (statement: SQL) => inCore(test.platform, statement)

interface Scene {
  readonly admin: SignedInUser
  readonly user: SignedInUser
  readonly acting: Acting
}

/** What ends one, from the next request on. */
const ENDS: readonly (readonly [string, (scene: Scene) => Promise<unknown>])[] = [
  [
    'its administrator ends it',
    ({ admin, acting }) => test.api.delete(`/admin/impersonations/${acting.id}`, { token: admin.token }),
  ],
  [
    'another administrator ends it',
    async ({ acting }) =>
      test.api.delete(`/admin/impersonations/${acting.id}`, { token: (await registerAdmin(test)).token }),
  ],
  [
    'the organization ends it',
    ({ acting }) => test.api.delete(`/organization/impersonations/${acting.id}`, ownersCall),
  ],
  ['the organization forbids it', () => forbid()],
  ['the user is deactivated', ({ user }) => test.api.post(`/members/${user.id}/deactivate`, {}, ownersCall)],
  ['the user is removed', ({ user }) => test.api.delete(`/members/${user.id}`, ownersCall)],
  [
    'the user ends all sessions',
    ({ user }) => test.api.delete('/auth/sessions', { token: user.token, tenantId }),
  ],
  [
    'the administrator signs out',
    ({ admin }) => test.api.post('/auth/logout', undefined, { token: admin.token }),
  ],
  [
    'the administrator’s password changes elsewhere',
    async ({ admin }) => {
      const { token } = await test.api.login(admin)
      const body = { current_password: admin.password, new_password: 'another battery staple horse' }
      return await test.api.put('/auth/password', body, { token })
    },
  ],
  [
    'the administrator is none any more',
    ({ admin }) => onPlatform(sql`UPDATE users SET is_admin = false WHERE id = ${admin.id}`),
  ],
  [
    'the administrator’s account is disabled',
    ({ admin }) => onPlatform(sql`UPDATE users SET is_active = false WHERE id = ${admin.id}`),
  ],
  [
    'its time is over',
    ({ acting }) =>
      inTenant(test.platform, tenantId, sql`UPDATE sessions SET expires_at = now() WHERE id = ${acting.id}`),
  ],
  [
    'its time is over on the platform',
    ({ acting }) => onPlatform(sql`UPDATE impersonations SET expires_at = now() WHERE id = ${acting.id}`),
  ],
]

describe('A19 an impersonation ends with the next request when', () => {
  it.each(ENDS)('%s', async (_, end) => {
    const admin = await registerAdmin(test)
    const user = await test.api.register({ tenantId })
    const acting = await actAs(test, admin, tenantId, user, { read_only: false })
    const other = await actAs(
      test,
      await registerAdmin(test),
      tenantId,
      await test.api.register({ tenantId }),
    )
    expect(await isIn(acting)).toBe(true)
    await end({ admin, user, acting })
    expect(await isIn(acting)).toBe(false)
    const isForbidden = (await test.api.get('/organization', ownersCall)).body.allow_impersonation === false
    expect(await isIn(other)).toBe(!isForbidden)
    // Nothing of it comes back.
    await forbid(true)
    expect(await isIn(acting)).toBe(false)
    expect(await isIn(other)).toBe(!isForbidden)
  })
})

/** The newest entries that say of the end of one, on the platform and in the organization. */
async function endsOf(id: string): Promise<unknown[]> {
  const { token } = await registerAdmin(test)
  const lists = [
    await test.api.get('/admin/audit?action=impersonation.ended', { token }),
    await test.api.get('/audit?action=impersonation.ended', ownersCall),
  ]
  return lists.map(({ body }) =>
    body.items
      .filter(({ details }: { details: { impersonation: string } }) => details.impersonation === id)
      .map(({ actor, details }: { actor: object; details: { by: string } }) => ({
        ...actor,
        by: details.by,
      })),
  )
}

it('is recorded once in both logs, however often and by whomever it is ended', async () => {
  const admin = await registerAdmin(test)
  const user = await test.api.register({ tenantId })
  const [one, two, three] = [
    await actAs(test, admin, tenantId, user),
    await actAs(test, admin, tenantId, user),
    await actAs(test, admin, tenantId, user),
  ]
  const byAdmin = () => test.api.delete(`/admin/impersonations/${one.id}`, { token: admin.token })
  const statuses = await atOnce(4, async () => (await byAdmin()).status)
  expect(statuses).toEqual([204, 204, 204, 204])
  const byOwner = () => test.api.delete(`/organization/impersonations/${two.id}`, ownersCall)
  expect((await byOwner()).status).toBe(204)
  expect((await byOwner()).status).toBe(204)
  await forbid()
  await forbid(true)
  const acted = { acted_by: null }
  const theAdmin = { kind: 'admin', id: admin.id, ...acted, by: 'administrator' }
  const theOwner = { kind: 'user', id: owner.id, ...acted }
  const followed = { kind: 'system', id: null, ...acted }
  expect(await endsOf(one.id)).toEqual([[theAdmin], [theAdmin]])
  expect(await endsOf(two.id)).toEqual([
    [{ ...followed, by: 'organization' }],
    [{ ...theOwner, by: 'organization' }],
  ])
  expect(await endsOf(three.id)).toEqual([[{ ...followed, by: 'policy' }], [{ ...theOwner, by: 'policy' }]])
})

it('what is not there cannot be ended, nor what is another organization’s', async () => {
  const admin = await registerAdmin(test)
  const stranger = await test.api.register()
  const other = (await test.api.createOrganization(stranger)).id
  const { token } = await test.api.login(stranger, other)
  const acting = await actAs(test, admin, tenantId, owner)
  const elsewhere = await test.api.delete(`/organization/impersonations/${acting.id}`, {
    token,
    tenantId: other,
  })
  expect(elsewhere.status).toBe(404)
  const unknown = await test.api.delete(`/admin/impersonations/${newId()}`, { token: admin.token })
  expect(unknown.status).toBe(404)
  expect(await isIn(acting)).toBe(true)
  const theirs = await test.api.get('/organization/impersonations', { token, tenantId: other })
  expect(theirs.body).toEqual({ items: [], next_cursor: null })
  const pages = [await test.api.get('/admin/impersonations?limit=1', { token: admin.token })]
  const next = await test.api.get(`/admin/impersonations?limit=1&cursor=${pages[0]?.body.next_cursor}`, {
    token: admin.token,
  })
  expect(next.body.items[0].id < pages[0]?.body.items[0].id).toBe(true)
})

it('M3 none is live once the organization forbade it, however many begin at that moment', async () => {
  const admin = await registerAdmin(test)
  const user = await test.api.register({ tenantId })
  const forbidding = atOnce(1, async () => await forbid())
  const replies = await atOnce(16, () => start(test, admin, tenantId, { user_id: user.id }))
  const [forbidden] = await forbidding
  expect(forbidden?.status).toBe(200)
  const begun = replies.filter(({ status }) => status === 201)
  for (const { status, body } of replies)
    if (status !== 201)
      expect({ status, code: body.code }).toEqual({ status: 403, code: 'impersonation-forbidden' })
  await forbid(true)
  for (const { body } of begun)
    expect(await isIn({ token: body.access_token, tenantId, id: body.impersonation.id })).toBe(false)
  const { body } = await test.api.get('/admin/impersonations?limit=100', { token: admin.token })
  const live = body.items.filter(
    (item: { user_id: string; is_live: boolean }) => item.is_live && item.user_id === user.id,
  )
  expect(live).toEqual([])
})

it('M3 forbidding waits for one that is beginning, and ends it', async () => {
  const admin = await registerAdmin(test)
  const user = await test.api.register({ tenantId })
  const lock = `SELECT FROM users WHERE id = '${user.id}' FOR UPDATE`
  const [reply, forbidden] = await whileHeld(test, tenantId, lock, async (held) => {
    const starting = start(test, admin, tenantId, { user_id: user.id })
    await held.waiting(1)
    const forbidding = forbid()
    await held.waiting(2, forbidding)
    return [starting, forbidding] as const
  })
  expect([reply.status, forbidden.status]).toEqual([201, 200])
  await forbid(true)
  const { access_token: token, impersonation } = reply.body
  expect(await isIn({ token, tenantId, id: impersonation.id })).toBe(false)
})

it('M3 none is live once its user was deactivated, however many begin at that moment', async () => {
  const admin = await registerAdmin(test)
  const user = await test.api.register({ tenantId })
  const deactivating = atOnce(1, () => test.api.post(`/members/${user.id}/deactivate`, {}, ownersCall))
  const replies = await atOnce(8, () => start(test, admin, tenantId, { user_id: user.id }))
  expect((await deactivating)[0]?.status).toBe(200)
  await test.api.post(`/members/${user.id}/reactivate`, {}, ownersCall)
  for (const { status, body } of replies) {
    if (status !== 201) expect(body.code).toBe('impersonated-inactive')
    else expect(await isIn({ token: body.access_token, tenantId, id: body.impersonation.id })).toBe(false)
  }
})
