import { sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccessTokens } from '../../src/auth/index.ts'
import { newId, systemClock } from '../../src/platform/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { actAs, REASON, registerAdmin, start } from '../support/impersonation.ts'
import { mailsTo } from '../support/mailbox.ts'
import { sessionOf } from '../support/realms.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let admin: SignedInUser
let founder: SignedInUser
let owner: SignedInUser
let member: SignedInUser
let tenantId: string
const heard: { name: string; tenantId?: string; payload: object }[] = []
beforeAll(async () => {
  test = await startCheckedPlatform()
  admin = await registerAdmin(test)
  founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id
  owner = await test.api.login(founder, tenantId)
  member = await test.api.register({ tenantId })
  for (const name of ['impersonation.started', 'impersonation.ended'] as const)
    test.platform.events.on(name, 'test', (event) => void heard.push(event))
})
afterAll(() => test.close())

const ownersCall = () => ({ token: owner.token, tenantId })
const adminsCall = () => ({ token: admin.token })

describe('an administrator of the platform who acts as a user', () => {
  it('gets an access token that says who acts, lives as long as asked for, and is not refreshed', async () => {
    const { status, body } = await start(test, admin, tenantId, { email: member.email.toUpperCase() })
    expect(status).toBe(201)
    expect(body).not.toHaveProperty('refresh_token')
    expect(body).toMatchObject({
      user: { id: member.id },
      tenant_id: tenantId,
      impersonation: {
        user_id: member.id,
        admin_id: admin.id,
        reason: REASON,
        read_only: true,
        is_live: true,
      },
    })
    const { sub, sid, act, amr, iat = 0, exp = 0 } = decodeJwt(body.access_token)
    expect({ sub, sid, act, amr }).toEqual({
      sub: member.id,
      sid: body.impersonation.id,
      act: { sub: admin.id },
      amr: undefined,
    })
    expect(exp - iat).toBe(body.expires_in)
    expect(body.expires_in).toBeGreaterThan(15 * 60 - 10)
    expect(body.expires_in).toBeLessThanOrEqual(15 * 60)
    const tokens = sql`SELECT FROM refresh_tokens WHERE session_id = ${body.impersonation.id}`
    expect(await inTenant(test.platform, tenantId, tokens)).toEqual([])
    const long = await actAs(test, admin, tenantId, member, { minutes: 60 })
    const { iat: from = 0, exp: to = 0 } = decodeJwt(long.token ?? '')
    expect(to - from).toBeGreaterThan(3_590)
    expect((await test.api.get('/users/me', long)).status).toBe(200)
  })

  it('is named by the profile, and by nobody else’s', async () => {
    const acting = await actAs(test, admin, tenantId, member, { read_only: false })
    const { body, headers } = await test.api.get('/users/me', acting)
    expect(body).toMatchObject({ id: member.id, impersonated_by: { id: admin.id, read_only: false } })
    const changes = { full_name: 'Helped' }
    const call = { ...acting, headers: { 'if-match': headers['etag'] ?? '' } }
    const changed = await test.api.put('/users/me', changes, call)
    expect(changed).toMatchObject({
      status: 200,
      body: { full_name: 'Helped', impersonated_by: { id: admin.id } },
    })
    const own = { token: member.token, tenantId }
    expect((await test.api.get('/users/me', own)).body).not.toHaveProperty('impersonated_by')
    // What people do to their own profiles is nobody's affair; what is done in their name is.
    await test.api.put('/users/me', { full_name: 'Myself' }, own)
    await test.api.put('/users/me', { phone: '112' }, acting)
    const { items } = (await test.api.get(`/audit?action=profile.changed&target=${member.id}`, ownersCall()))
      .body
    const who = { actor: { kind: 'user', id: member.id, acted_by: admin.id }, target: { id: member.id } }
    expect(items).toMatchObject([
      { ...who, details: { fields: ['phone'] } },
      { ...who, details: { fields: ['fullName'] } },
    ])
    expect(items).toHaveLength(2)
  })

  it('stands beside the user in every entry that is made, and in the log', async () => {
    const [other, acting] = [
      await test.api.register({ tenantId }),
      await actAs(test, admin, tenantId, owner, { read_only: false }),
    ]
    const done = await test.api.post(`/members/${other.id}/deactivate`, {}, acting)
    expect(done.status).toBe(200)
    const audit = await test.api.get(`/audit?target=${other.id}&action=member.`, ownersCall())
    expect(audit.body.items).toMatchObject([
      { action: 'member.deactivated', actor: { kind: 'user', id: owner.id, acted_by: admin.id } },
    ])
    const line = test.logged.find(({ request_id }) => request_id === done.headers['x-request-id'])
    expect(line).toMatchObject({ user_id: owner.id, acted_by: admin.id, tenant_id: tenantId })
    await test.api.post(`/members/${other.id}/reactivate`, {}, ownersCall())
    const later = await test.api.get(`/audit?target=${other.id}&action=member.reactivated`, ownersCall())
    expect(later.body.items).toMatchObject([{ actor: { id: owner.id, acted_by: null } }])
  })

  it('is in both audit logs, without the reason, and in both lists, with it', async () => {
    const { id } = await actAs(test, admin, tenantId, member, { minutes: 5 })
    const entry = {
      action: 'impersonation.started',
      actor: { kind: 'admin', id: admin.id, acted_by: null },
      target: { kind: 'user', id: member.id },
      details: { impersonation: id, organization: tenantId, user: member.id, read_only: true, minutes: 5 },
    }
    const logs = [
      await test.api.get('/audit?action=impersonation.started&limit=1', ownersCall()),
      await test.api.get('/admin/audit?action=impersonation.started&limit=1', adminsCall()),
    ]
    for (const { body, text } of logs) {
      expect(body.items).toMatchObject([entry])
      expect(text).not.toContain('Ticket')
    }
    const row = { id, organization_id: tenantId, user_id: member.id, admin_id: admin.id, reason: REASON }
    const lists = [
      await test.api.get('/organization/impersonations?limit=1', ownersCall()),
      await test.api.get('/admin/impersonations?limit=1', adminsCall()),
    ]
    for (const { body } of lists)
      expect(body.items).toMatchObject([{ ...row, is_live: true, ended_at: null }])
  })

  it('is told to the owners by mail, and to the product by an event', async () => {
    const before = (await mailsTo(test, founder.email)).filter(({ kind }) => kind === 'impersonation')
    const { id } = await actAs(test, admin, tenantId, member)
    const mails = (await mailsTo(test, founder.email)).filter(({ kind }) => kind === 'impersonation')
    expect(mails).toHaveLength(before.length + 1)
    expect(mails[0]?.text).not.toContain('Ticket')
    const payload = { impersonationId: id, userId: member.id, adminId: admin.id, isReadOnly: true }
    expect(heard).toContainEqual(
      expect.objectContaining({ name: 'impersonation.started', tenantId, payload }),
    )
  })

  it('is in the user’s list of sessions, marked, and the user can end it', async () => {
    const user = await test.api.register({ tenantId })
    const acting = await actAs(test, admin, tenantId, user)
    const call = { token: user.token, tenantId }
    const { body } = await test.api.get('/auth/sessions', call)
    const marks = body.map(({ id, impersonated_by }: Record<string, unknown>) => [id, impersonated_by])
    expect(marks).toEqual([
      [sessionOf(user), null],
      [acting.id, admin.id],
    ])
    expect((await test.api.delete(`/auth/sessions/${acting.id}`, call)).status).toBe(204)
    expect((await test.api.get('/users/me', acting)).status).toBe(401)
    const ours = await test.api.get('/organization/impersonations?limit=1', ownersCall())
    expect(ours.body.items).toMatchObject([{ id: acting.id, is_live: false, ended_at: expect.any(String) }])
  })

  it('needs no second factor of the user where the organization requires one', async () => {
    const strict = await test.api.createOrganization(founder)
    const [one, call] = [await test.api.register({ tenantId: strict.id }), { tenantId: strict.id }]
    const before = await actAs(test, admin, strict.id, one)
    const { token } = await test.api.login(founder, strict.id)
    const changed = await test.api.patch(
      '/organization',
      { second_factor_required: true },
      { ...call, token },
    )
    expect(changed.status).toBe(200)
    expect((await test.api.get('/users/me', { ...call, token: one.token })).status).toBe(403)
    expect((await test.api.get('/users/me', before)).status).toBe(200)
    expect((await test.api.get('/users/me', await actAs(test, admin, strict.id, one))).status).toBe(200)
  })
})

describe('A8 refused is', () => {
  it.each([
    [{ reason: undefined }, '/reason'],
    [{ reason: 'short' }, '/reason'],
    [{ reason: '         ' }, '/reason'],
    [{ reason: 'two\nlines of it' }, '/reason'],
    [{ reason: 'x'.repeat(501) }, '/reason'],
    [{ minutes: 0 }, '/minutes'],
    [{ minutes: 61 }, '/minutes'],
    [{ user_id: undefined }, '/user_id'],
    [{ email: 'both@example.com' }, '/user_id'],
  ])('a wish like %j', async (wish, pointer) => {
    const reply = await start(test, admin, tenantId, { user_id: member.id, ...wish })
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ pointer }] } })
  })

  it.each([
    ['nobody', () => ({ user_id: newId() }), 404],
    ['no address', () => ({ email: 'nobody' }), 404],
    ['a user of the platform', () => ({ user_id: founder.id }), 404],
  ])('%s', async (_, wish, status) => {
    expect((await start(test, admin, tenantId, wish())).status).toBe(status)
  })

  it('B3 a user of another organization, and one that is not there', async () => {
    const other = (await test.api.createOrganization(founder)).id
    expect((await start(test, admin, other, { user_id: member.id })).status).toBe(404)
    const nowhere = await start(test, admin, newId(), { user_id: member.id })
    expect(nowhere).toMatchObject({ status: 404, body: { code: 'tenant-not-found' } })
    const acting = await actAs(test, admin, tenantId, member)
    const elsewhere = await test.api.get('/users/me', { ...acting, tenantId: other })
    expect(elsewhere).toMatchObject({ status: 403, body: { code: 'tenant-mismatch' } })
  })

  it('a user who is deactivated', async () => {
    const gone = await test.api.register({ tenantId })
    await test.api.post(`/members/${gone.id}/deactivate`, {}, ownersCall())
    const reply = await start(test, admin, tenantId, { user_id: gone.id })
    expect(reply).toMatchObject({ status: 409, body: { code: 'impersonated-inactive' } })
  })

  it('B8 a suspended organization', async () => {
    const { id } = await test.api.createOrganization(await test.api.register())
    const user = await test.api.register({ tenantId: id })
    const acting = await actAs(test, admin, id, user)
    await inCore(test.platform, sql`UPDATE tenants SET status = 'suspended' WHERE id = ${id}`)
    test.platform.tenancy.invalidate(id)
    const suspended = { status: 403, body: { code: 'tenant-suspended' } }
    expect(await start(test, admin, id, { user_id: user.id })).toMatchObject(suspended)
    expect(await test.api.get('/users/me', acting)).toMatchObject(suspended)
    // Ending it needs no more than the platform.
    expect((await test.api.delete(`/admin/impersonations/${acting.id}`, adminsCall())).status).toBe(204)
  })

  it('who is no administrator, and one who did not prove lately who it is', async () => {
    const denied = await start(test, founder, tenantId, { user_id: member.id })
    expect(denied).toMatchObject({ status: 403, body: { code: 'admin-required' } })
    const stale = await registerAdmin(test)
    const age = sql`UPDATE sessions SET authenticated_at = now() - interval '11 minutes' WHERE user_id = ${stale.id}`
    await inCore(test.platform, age)
    const wish = { user_id: member.id }
    expect(await start(test, stale, tenantId, wish)).toMatchObject({
      status: 403,
      body: { code: 'step-up-required' },
    })
    await test.api.post('/auth/step-up', { password: stale.password }, { token: stale.token })
    expect((await start(test, stale, tenantId, wish)).status).toBe(201)
  })
})

it('A8 a token says of its session what the session says: nobody acts under another name, or under none', async () => {
  const issuer = `urn:uuid:${await test.platform.tenancy.installationId()}`
  const forger = createAccessTokens({ keys: test.platform.keys.ring, issuer, ttl: 600, clock: systemClock })
  const acting = await actAs(test, admin, tenantId, member)
  const subject = { audience: 'tenant', userId: member.id, tenantId } as const
  const me = async (token: string) => (await test.api.get('/users/me', { token, tenantId })).status
  const acted = { ...subject, sessionId: acting.id }
  expect(await me(await forger.issue({ ...acted, actorId: admin.id }))).toBe(200)
  expect(await me(await forger.issue({ ...acted, actorId: newId() }))).toBe(401)
  expect(await me(await forger.issue(acted))).toBe(401)
  const own = { ...subject, sessionId: sessionOf(member) }
  expect(await me(await forger.issue(own))).toBe(200)
  expect(await me(await forger.issue({ ...own, actorId: admin.id }))).toBe(401)
})
