import { createHash } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { acceptAsMe, acceptAsNew, invite, sentTo } from '../support/invitations.ts'
import { mailsTo } from '../support/mailbox.ts'
import { addLinked, enter, type LinkedPerson } from '../support/people.ts'
import { TEST_SECRET } from '../support/platform.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { ACCESS_TOKEN, ID, REFRESH_TOKEN, TIME } from '../support/shapes.ts'

/** Without a mail server, and so without mail. */
const PRODUCTION = { NODE_ENV: 'production', RATE_LIMITS: 'on', TENANTRY_SECRET: TEST_SECRET }
const INVALID = { status: 400, body: { code: 'invitation-invalid' } }

let test: CheckedPlatform
let founder: SignedInUser
let owner: LinkedPerson
let [tenantId, other] = ['', '']
beforeAll(async () => {
  test = await startCheckedPlatform()
  founder = await test.api.register()
  ;({ id: tenantId } = await test.api.createOrganization(founder))
  ;({ id: other } = await test.api.createOrganization(founder))
  owner = await enter(test, tenantId, founder)
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.api.patch('/organization', { registration: 'invite', allowed_email_domains: [] }, as(owner))
})

const as = (person: LinkedPerson) => ({ token: person.tenantToken, tenantId })
const fresh = () => `${unique('guest')}@example.com`
const create = (body: object, by = owner) => test.api.post('/invitations', body, as(by))
const list = async (query = '') =>
  (await test.api.get(`/invitations?limit=100${query}`, as(owner))).body.items
const statusOf = async (wanted: string) =>
  (await list()).find(({ id }: { id: string }) => id === wanted)?.status

describe('an invitation', () => {
  it('brings a mail with a link that makes somebody new a member, once', async () => {
    const email = fresh()
    const { id, token } = await invite(test, tenantId, owner, email.toUpperCase(), 'admin')
    const [mail] = await mailsTo(test, email)
    expect(mail?.link?.pathname).toBe('/accept-invitation')
    expect(new URLSearchParams(mail?.link?.hash.slice(1)).get('tenant')).toBe(tenantId)
    const reply = await acceptAsNew(test, tenantId, token, { full_name: 'Gus Guest' })
    expect(reply.status).toBe(201)
    expect(reply.body).toEqual({
      user: {
        id: expect.stringMatching(ID),
        email,
        email_verified: true,
        full_name: 'Gus Guest',
        is_active: true,
        is_owner: false,
      },
      access_token: expect.stringMatching(ACCESS_TOKEN),
      token_type: 'bearer',
      expires_in: 600,
      refresh_token: expect.stringMatching(REFRESH_TOKEN),
      scope: 'tenant',
      tenant_id: tenantId,
    })
    const profile = await test.api.get('/users/me', { token: reply.body.access_token, tenantId })
    expect(profile.body).toMatchObject({ role: 'admin', is_owner: false })
    expect(await statusOf(id)).toBe('accepted')
    expect(await acceptAsNew(test, tenantId, token)).toMatchObject(INVALID)
    expect((await test.api.login({ email, password: 'a long way to go home' }, tenantId)).id).toBe(
      profile.body.id,
    )
  })

  it('makes a platform user a linked member, without another password', async () => {
    const person = await test.api.register()
    const { token } = await invite(test, tenantId, owner, person.email)
    const reply = await acceptAsMe(test, tenantId, token, person)
    expect(reply).toMatchObject({ status: 201, body: { scope: 'tenant', user: { email: person.email } } })
    expect((await test.api.get(`/organizations/${tenantId}`, person)).body.role).toBe('member')
    expect((await test.api.login(person, tenantId)).id).toBe(reply.body.user.id)
    expect((await enter(test, tenantId, person)).memberId).toBe(reply.body.user.id)
    expect(await inCore(test.platform, sql`SELECT FROM membership_changes`)).toEqual([])
    // What came of the exchange ends with the core session.
    await test.api.post('/auth/logout', {}, { token: person.token })
    const refresh = { refresh_token: reply.body.refresh_token }
    expect((await test.api.post('/auth/refresh', refresh, { tenantId })).status).toBe(401)
  })

  it('is listed, newest first, in pages, and no list has a token', async () => {
    const [one, two] = [
      await invite(test, tenantId, owner, fresh()),
      await invite(test, tenantId, owner, fresh()),
    ]
    const [first] = await list()
    expect(first).toEqual({
      id: two.id,
      email: two.email,
      role: 'member',
      status: 'pending',
      invited_by: owner.memberId,
      expires_at: expect.stringMatching(TIME),
      created_at: expect.stringMatching(TIME),
    })
    const hours = (Date.parse(first.expires_at) - Date.parse(first.created_at)) / 3_600_000
    expect(Math.round(hours)).toBe(48)
    const page = (await test.api.get('/invitations?limit=1&status=pending', as(owner))).body
    const next = await test.api.get(
      `/invitations?limit=1&status=pending&cursor=${page.next_cursor}`,
      as(owner),
    )
    expect(next.body.items[0].id).toBe(one.id)
    expect((await test.api.get(`/invitations?cursor=${page.next_cursor}`, as(owner))).status).toBe(422)
    const stored = sql`SELECT token_hash FROM invitations WHERE id = ${one.id}`
    const hash = createHash('sha256').update(one.token).digest('base64url')
    expect(await inTenant(test.platform, tenantId, stored)).toEqual([{ token_hash: hash }])
  })

  it('sent again has a new token, and the old one is worth nothing', async () => {
    const { id, email, token } = await invite(test, tenantId, owner, fresh())
    const again = await test.api.post(`/invitations/${id}/resend`, { expires_in_hours: 168 }, as(owner))
    expect(again).toMatchObject({ status: 202, body: { id } })
    const next = await sentTo(test, email)
    expect(next).not.toBe(token)
    expect(await acceptAsNew(test, tenantId, token)).toMatchObject(INVALID)
    expect((await acceptAsNew(test, tenantId, next)).status).toBe(201)
    const late = await test.api.post(`/invitations/${id}/resend`, {}, as(owner))
    expect(late).toMatchObject({ status: 409, body: { code: 'invitation-settled' } })
    expect((await test.api.delete(`/invitations/${id}`, as(owner))).status).toBe(409)
  })

  it('that was revoked or ran out is worth nothing, and can be made again', async () => {
    const revoked = await invite(test, tenantId, owner, fresh())
    expect((await test.api.delete(`/invitations/${revoked.id}`, as(owner))).status).toBe(204)
    expect(await acceptAsNew(test, tenantId, revoked.token)).toMatchObject(INVALID)
    const expired = await invite(test, tenantId, owner, fresh())
    await inTenant(
      test.platform,
      tenantId,
      sql`UPDATE invitations SET expires_at = now() - interval '1 second' WHERE id = ${expired.id}`,
    )
    expect(await statusOf(expired.id)).toBe('expired')
    expect(await acceptAsNew(test, tenantId, expired.token)).toMatchObject(INVALID)
    for (const { email, id } of [revoked, expired]) {
      const again = await invite(test, tenantId, owner, email)
      expect(await statusOf(id)).toBe('revoked')
      expect((await acceptAsNew(test, tenantId, again.token)).status).toBe(201)
    }
  })

  it('is refused for whoever is invited or in already', async () => {
    const { email, token } = await invite(test, tenantId, owner, fresh())
    expect(await create({ email, role: 'admin' })).toMatchObject({
      status: 409,
      body: { code: 'invitation-pending' },
    })
    await acceptAsNew(test, tenantId, token)
    expect(await create({ email, role: 'admin' })).toMatchObject({
      status: 409,
      body: { code: 'email-taken' },
    })
  })

  it.each<[object, number]>([
    [{ role: 'owner' }, 422],
    [{ role: 'Admin' }, 422],
    [{ role: null }, 422],
    [{ email: 'nobody' }, 422],
    [{ expires_in_hours: 0 }, 422],
    [{ expires_in_hours: 169 }, 422],
    [{ expires_in_hours: '48' }, 422],
    [{ organization_id: newId() }, 422],
    [{ token: 'x' }, 422],
  ])('G1 with %j is refused: %i', async (more, status) => {
    expect((await create({ email: fresh(), role: 'member', ...more })).status).toBe(status)
  })
})

describe('O10 an invitation', () => {
  it('gives nothing else than what it was made for', async () => {
    const { token } = await invite(test, tenantId, owner, fresh())
    for (const more of [{ role: 'owner' }, { email: fresh() }, { tenant_id: other }, { is_owner: true }])
      expect((await acceptAsNew(test, tenantId, token, more)).status).toBe(422)
    expect(await acceptAsNew(test, other, token)).toMatchObject(INVALID)
    expect((await test.api.post('/invitations/accept', { token, password: 'x' })).status).toBe(400)
    expect((await acceptAsNew(test, tenantId, token)).status).toBe(201)
  })

  it('of somebody else is of no use to a platform user, and stays good', async () => {
    const [eve, ann] = [await test.api.register(), await test.api.register()]
    const { token } = await invite(test, tenantId, owner, ann.email)
    expect(await acceptAsMe(test, tenantId, token, eve)).toMatchObject({
      status: 403,
      body: { code: 'invitation-for-another' },
    })
    expect(await inCore(test.platform, sql`SELECT FROM membership_changes`)).toEqual([])
    for (const id of [other, newId()]) expect(await acceptAsMe(test, id, token, ann)).toMatchObject(INVALID)
    expect((await acceptAsMe(test, tenantId, token, ann)).status).toBe(201)
    expect(await acceptAsMe(test, tenantId, token, ann)).toMatchObject(INVALID)
  })

  it('is not made up or changed', async () => {
    const { token } = await invite(test, tenantId, owner, fresh())
    const made = [
      '',
      'x',
      `tro_${'A'.repeat(43)}`,
      `${token}A`,
      token.toLowerCase(),
      `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`,
      createHash('sha256').update(token).digest('base64url'),
    ]
    for (const value of made) expect([400, 422]).toContain((await acceptAsNew(test, tenantId, value)).status)
    expect((await acceptAsNew(test, tenantId, token, { password: 'password' })).status).toBe(422)
    expect((await acceptAsNew(test, tenantId, token)).status).toBe(201)
  })

  it('of a member who may invite no more dies with that', async () => {
    for (const end of ['deactivate', 'remove', 'demote'] as const) {
      const admin = await addLinked(test, tenantId, 'admin')
      const { id, token } = await invite(test, tenantId, admin, fresh(), 'admin')
      const path = `/members/${admin.memberId}`
      if (end === 'deactivate') await test.api.post(`${path}/deactivate`, {}, as(owner))
      if (end === 'remove') await test.api.delete(path, as(owner))
      if (end === 'demote') await test.api.patch(path, { role: 'member' }, as(owner))
      expect(await acceptAsNew(test, tenantId, token), end).toMatchObject(INVALID)
      expect(await statusOf(id)).toBe('revoked')
    }
  })

  it('keeps to who may join at the moment it is accepted', async () => {
    const { email, token } = await invite(test, tenantId, owner, fresh())
    await test.api.patch('/organization', { registration: 'closed' }, as(owner))
    expect(await acceptAsNew(test, tenantId, token)).toMatchObject({
      status: 403,
      body: { code: 'registration-closed' },
    })
    expect((await create({ email: fresh(), role: 'member' })).body.code).toBe('registration-closed')
    const domains = { registration: 'invite', allowed_email_domains: ['example.org'] }
    await test.api.patch('/organization', domains, as(owner))
    expect((await acceptAsNew(test, tenantId, token)).body.code).toBe('email-domain-not-allowed')
    expect((await create({ email: fresh(), role: 'member' })).body.code).toBe('email-domain-not-allowed')
    await test.api.patch('/organization', { allowed_email_domains: ['EXAMPLE.com'] }, as(owner))
    expect((await acceptAsNew(test, tenantId, token)).body.user.email).toBe(email)
  })

  it('finds an address taken by then, and stays good', async () => {
    const { email, token } = await invite(test, tenantId, owner, fresh())
    await test.api.patch('/organization', { registration: 'open' }, as(owner))
    const early = await test.api.register({ email, tenantId })
    expect(await acceptAsNew(test, tenantId, token)).toMatchObject({
      status: 409,
      body: { code: 'email-taken' },
    })
    await test.api.delete(`/members/${early.id}`, { token: early.token, tenantId })
    expect((await acceptAsNew(test, tenantId, token)).status).toBe(201)
  })
})

it('mail that is off is said, and nothing is made', async () => {
  const silent = await startCheckedPlatform({ env: PRODUCTION })
  try {
    const person = await silent.api.register()
    const { id } = await silent.api.createOrganization(person)
    const call = { token: (await enter(silent, id, person)).tenantToken, tenantId: id }
    const reply = await silent.api.post(
      '/invitations',
      { email: fresh(), role: 'member' },
      { ...call, faulty: true },
    )
    expect(reply.body.code).toBe('mail-off')
    expect((await silent.api.get('/invitations', call)).body.items).toEqual([])
  } finally {
    await silent.close()
  }
})
