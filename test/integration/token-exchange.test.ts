import { sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { tokenFor } from '../support/mailbox.ts'
import { addLinked, enter } from '../support/people.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { ACCESS_TOKEN, ID, REFRESH_TOKEN } from '../support/shapes.ts'

let test: CheckedPlatform
let owner: SignedInUser
let [a, b] = ['', '']
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register({ fullName: 'Olga Owner' })
  a = (await test.api.createOrganization(owner)).id
  b = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

const exchange = (id: string, { token }: { token: string }, body: unknown = {}) =>
  test.api.post(`/organizations/${id}/token`, body, { token })
const refresh = (refreshToken: string, tenantId?: string) =>
  test.api.post('/auth/refresh', { refresh_token: refreshToken }, { tenantId })
const profile = (token: string, tenantId: string) => test.api.get('/users/me', { token, tenantId })

describe('the exchange of a core token', () => {
  it('gives tokens of the organization, with a session of its own there', async () => {
    const reply = await exchange(a, owner)
    expect(reply).toMatchObject({ status: 200 })
    expect(reply.body).toEqual({
      user: {
        id: expect.stringMatching(ID),
        email: owner.email,
        email_verified: false,
        full_name: 'Olga Owner',
        is_active: true,
        is_owner: true,
      },
      access_token: expect.stringMatching(ACCESS_TOKEN),
      token_type: 'bearer',
      expires_in: 600,
      refresh_token: expect.stringMatching(REFRESH_TOKEN),
      scope: 'tenant',
      tenant_id: a,
    })
    const again = await exchange(a, owner)
    expect(again.body.user.id).toBe(reply.body.user.id)
    // One of them ends, the other goes on.
    await test.api.post('/auth/logout', {}, { token: again.body.access_token, tenantId: a })
    expect((await profile(again.body.access_token, a)).status).toBe(401)
    expect((await profile(reply.body.access_token, a)).status).toBe(200)
    expect((await test.api.get('/organizations/me', owner)).status).toBe(200)
  })

  it('switches between organizations, and a token of one is none of the other', async () => {
    const [inA, inB] = [await enter(test, a, owner), await enter(test, b, owner)]
    expect((await profile(inA.tenantToken, a)).status).toBe(200)
    expect((await profile(inB.tenantToken, b)).status).toBe(200)
    expect(await profile(inA.tenantToken, b)).toMatchObject({
      status: 403,
      body: { code: 'tenant-mismatch' },
    })
    expect((await refresh(inA.tenantRefreshToken, b)).status).toBe(401)
    expect((await refresh(inA.tenantRefreshToken)).status).toBe(401)
  })

  it('answers who is no member the same, whether the organization exists or not', async () => {
    const stranger = await test.api.register()
    // A user of the organization with the same address is somebody else.
    await test.api.register({ email: stranger.email, tenantId: a })
    const replies = [await exchange(a, stranger), await exchange(newId(), stranger)]
    for (const { status, body } of replies) expect([status, body.code]).toEqual([404, 'not-found'])
    const [one, other] = replies.map(({ body: { instance: _, ...rest } }) => rest)
    expect(one).toEqual(other)
  })

  it('takes nobody who was deactivated, and says nothing of a suspended organization to strangers', async () => {
    const ann = await addLinked(test, a)
    await inTenant(test.platform, a, sql`UPDATE users SET is_active = false WHERE id = ${ann.memberId}`)
    expect((await exchange(a, ann)).status).toBe(404)
    const suspended = (await test.api.createOrganization(owner)).id
    await inCore(test.platform, sql`UPDATE tenants SET status = 'suspended' WHERE id = ${suspended}`)
    test.platform.tenancy.invalidate(suspended)
    expect(await exchange(suspended, owner)).toMatchObject({
      status: 403,
      body: { code: 'tenant-suspended' },
    })
    expect((await exchange(suspended, ann)).status).toBe(404)
  })
})

describe('a session that was exchanged', () => {
  it('stands in the audit log as the sign-in that it is', async () => {
    const ann = await addLinked(test, a)
    const entries = sql`SELECT action, target_id, details FROM audit_log WHERE actor_id = ${ann.memberId}`
    expect(await inTenant(test.platform, a, entries)).toEqual([
      {
        action: 'user.logged_in',
        target_id: decodeJwt(ann.tenantToken)['sid'],
        details: { method: 'exchange' },
      },
    ])
  })

  it('takes away those that are long over, so that who only ever comes this way leaves few', async () => {
    const ann = await addLinked(test, a)
    await inTenant(
      test.platform,
      a,
      sql`UPDATE sessions SET expires_at = now() - interval '2 days' WHERE user_id = ${ann.memberId}`,
    )
    await enter(test, a, ann)
    const left = sql`SELECT FROM sessions WHERE user_id = ${ann.memberId}`
    expect(await inTenant(test.platform, a, left)).toHaveLength(1)
  })
})

describe('A19 what was exchanged', () => {
  it('ends, at its next refresh, with the core session that it came from', async () => {
    const ann = await addLinked(test, a)
    const other = await test.api.login(ann)
    const second = await enter(test, a, other)
    await test.api.post('/auth/logout', {}, { token: ann.token })
    expect((await refresh(ann.tenantRefreshToken, a)).status).toBe(401)
    expect((await exchange(a, ann)).status).toBe(401)
    expect((await refresh(second.tenantRefreshToken, a)).status).toBe(200)
  })

  it('ends, at its next refresh, with the core account', async () => {
    const ann = await addLinked(test, a)
    await inCore(test.platform, sql`UPDATE users SET is_active = false WHERE id = ${ann.id}`)
    expect((await refresh(ann.tenantRefreshToken, a)).status).toBe(401)
    expect((await exchange(a, ann)).status).toBe(401)
    const login = { email: ann.email, password: ann.password }
    expect((await test.api.post('/auth/login', login, { tenantId: a })).status).toBe(401)
  })

  it('goes on while the core session does, and a session of a password does without one', async () => {
    const ann = await addLinked(test, a)
    const byPassword = await test.api.login(ann, a)
    const next = await refresh(ann.tenantRefreshToken, a)
    expect(next.status).toBe(200)
    await test.api.post('/auth/logout', {}, { token: ann.token })
    expect((await refresh(next.body.refresh_token, a)).status).toBe(401)
    expect((await refresh(byPassword.refreshToken, a)).status).toBe(200)
  })
})

describe('the list of my organizations', () => {
  it('has those that I own and those that I am a member of, with my role', async () => {
    const ann = await addLinked(test, a, 'admin')
    const own = await test.api.createOrganization(ann)
    const list = (await test.api.get('/organizations/me', ann)).body
    expect(list.map(({ id, role }: { id: string; role: string }) => [id, role])).toEqual([
      [a, 'admin'],
      [own.id, 'owner'],
    ])
    expect((await test.api.get(`/organizations/${a}`, ann)).body).toEqual(list[0])
    expect((await test.api.get(`/organizations/${b}`, ann)).status).toBe(404)
    expect(list[0]).toMatchObject({ owner_id: owner.id })
  })
})

it('A19 a new platform password ends the sessions in every organization, those of members too', async () => {
  const ann = await addLinked(test, a)
  const byPassword = await test.api.login(ann, a)
  const body = { current_password: ann.password, new_password: 'another long way to go' }
  const reply = await test.api.put('/auth/password', body, { token: ann.token })
  expect(reply.status, reply.text).toBeLessThan(300)
  await test.platform.events.settle()
  for (const token of [ann.tenantToken, byPassword.token]) expect((await profile(token, a)).status).toBe(401)
  expect((await refresh(ann.tenantRefreshToken, a)).status).toBe(401)
})

it('O5 a new platform password makes the link to another address in an organization worthless', async () => {
  const ann = await addLinked(test, a)
  const email = `${unique('other')}@example.com`
  const call = { token: ann.tenantToken, tenantId: a }
  const asked = await test.api.post('/auth/email/change', { email, current_password: ann.password }, call)
  expect(asked.status).toBe(202)
  const token = await tokenFor(test, email, 'email-change')
  const body = { current_password: ann.password, new_password: 'another long way to go' }
  expect((await test.api.put('/auth/password', body, { token: ann.token })).status).toBe(204)
  await test.platform.events.settle()
  const confirmed = await test.api.post('/auth/email/change/confirm', { token }, { tenantId: a })
  expect(confirmed).toMatchObject({ status: 400, body: { code: 'invalid-link' } })
})
