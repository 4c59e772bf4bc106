import { sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { type ApiReply, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { addLinked } from '../support/people.ts'
import { REALM_NAMES, type RealmName, realmOf, sessionOf, type TestRealm } from '../support/realms.ts'
import { as, codeAt, createTestClock, protect, wrongCodeAt } from '../support/second-factor.ts'

const WRONG = { status: 401, body: { code: 'invalid-credentials' } }
const STALE = { status: 403, body: { code: 'step-up-required' } }

const clock = createTestClock()
let test: CheckedPlatform
let realms: Record<RealmName, TestRealm>
beforeAll(async () => {
  test = await startCheckedPlatform({ clock })
  const { id } = await test.api.createOrganization(await test.api.register())
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
})
afterAll(() => test.close())

type Someone = Pick<SignedInUser, 'token'>

/** Lets time pass since a session's user last proved who it is, on the database's clock. */
async function age(realm: TestRealm, user: Someone, seconds = 600): Promise<void> {
  await realm.change(sql`UPDATE sessions SET authenticated_at = now() - make_interval(secs => ${seconds})
    WHERE id = ${sessionOf(user)}`)
}

const stepUp = (realm: TestRealm, user: Someone, proof: object): Promise<ApiReply> =>
  test.api.post('/auth/step-up', proof, as(realm, user))

/** What wants a recent proof. None of it succeeds without more, so that the order of the calls does not matter. */
const DANGEROUS: readonly (readonly [string, (realm: TestRealm, user: Someone) => Promise<ApiReply>])[] = [
  ['setting up an app', (realm, user) => test.api.post('/auth/mfa/totp', undefined, as(realm, user))],
  ['removing the app', (realm, user) => test.api.delete('/auth/mfa/totp', as(realm, user))],
  [
    'new recovery codes',
    (realm, user) => test.api.post('/auth/mfa/recovery-codes', undefined, as(realm, user)),
  ],
  [
    'another e-mail address',
    (realm, user) =>
      test.api.post(
        '/auth/email/change',
        { email: 'other@example.com', current_password: 'not it' },
        as(realm, user),
      ),
  ],
]

describe.each(REALM_NAMES)('in the %s realm', (name) => {
  it.each(DANGEROUS)('O9 %s wants a session of the last ten minutes', async (_, act) => {
    const realm = realms[name]
    const user = await realm.register()
    await age(realm, user, 590)
    expect((await act(realm, user)).status).not.toBe(403)
    await age(realm, user)
    const refused = await act(realm, user)
    expect(refused).toMatchObject(STALE)
    expect(refused.headers['www-authenticate']).toMatch(
      /^Bearer .*error="insufficient_user_authentication", max_age="600"$/,
    )
    // A refresh proves nothing.
    const { body } = await realm.refresh(user.refreshToken)
    expect(await act(realm, { token: body.access_token })).toMatchObject(STALE)
    expect(await stepUp(realm, user, { password: user.password })).toMatchObject({
      status: 204,
      text: '',
    })
    expect((await act(realm, user)).status).not.toBe(403)
  })

  it('what is not dangerous goes on, and so does ending sessions', async () => {
    const realm = realms[name]
    const user = await realm.register()
    await age(realm, user)
    expect(await realm.isIn(user.token)).toBe(true)
    expect((await test.api.get('/auth/mfa', as(realm, user))).status).toBe(200)
    expect((await test.api.delete('/auth/sessions', as(realm, user))).status).toBe(204)
  })

  it('without a factor the password is asked for, and a wrong one proves nothing', async () => {
    const realm = realms[name]
    const user = await realm.register()
    await age(realm, user)
    for (const proof of [{ password: 'not it at all' }, { code: '123456' }, { recovery_code: 'a-b-c' }])
      expect(await stepUp(realm, user, proof)).toMatchObject(WRONG)
    expect(await test.api.delete('/auth/mfa/totp', as(realm, user))).toMatchObject(STALE)
    await test.platform.repeats.settle()
    const recorded = await realm.change(sql`SELECT actor_id, outcome, details FROM audit_log
      WHERE action = 'session.step_up_failed' AND target_id = ${sessionOf(user)} ORDER BY id LIMIT 1`)
    expect(recorded).toEqual([{ actor_id: null, outcome: 'failure', details: { attempts: 1 } }])
  })

  it('with a factor its codes are asked for, and the password is not enough', async () => {
    const realm = realms[name]
    const { user, secret, recoveryCodes } = await protect(test, realm, clock)
    await age(realm, user)
    expect(await stepUp(realm, user, { password: user.password })).toMatchObject({
      status: 403,
      body: { code: 'mfa-required' },
    })
    const wrong = { code: wrongCodeAt(secret, clock.now()) }
    expect(await stepUp(realm, user, wrong)).toMatchObject(WRONG)
    const renew = () => test.api.post('/auth/mfa/recovery-codes', undefined, as(realm, user))
    expect(await renew()).toMatchObject(STALE)
    const code = { code: codeAt(secret, clock.nextStep()) }
    expect((await stepUp(realm, user, code)).status).toBe(204)
    expect(await stepUp(realm, user, code)).toMatchObject(WRONG)
    const recovery = { recovery_code: recoveryCodes[0] ?? '' }
    expect((await stepUp(realm, user, recovery)).status).toBe(204)
    expect((await renew()).status).toBe(200)
    const { body } = await realm.refresh(user.refreshToken)
    expect(decodeJwt(body.access_token)['amr']).toEqual(['pwd', 'otp', 'rcv'])
  })

  it('one session that is proven makes no other one fresh', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const elsewhere = await test.api.login(user, realm.tenantId)
    for (const session of [user, elsewhere]) await age(realm, session)
    expect((await stepUp(realm, user, { password: user.password })).status).toBe(204)
    expect(await test.api.delete('/auth/mfa/totp', as(realm, elsewhere))).toMatchObject(STALE)
  })

  it('ten wrong passwords in a quarter of an hour are all', async () => {
    const realm = realms[name]
    const user = await realm.register()
    for (let time = 0; time < 10; time++)
      expect(await stepUp(realm, user, { password: 'not it at all' })).toMatchObject(WRONG)
    expect(await stepUp(realm, user, { password: user.password })).toMatchObject({ status: 429 })
    expect(await realm.isIn(user.token)).toBe(true)
  })

  it.each([{}, { password: 'a', code: '123456' }, { password: '' }, { code: 123456 }, { pin: '1' }])(
    'refuses %j as a proof',
    async (proof) => {
      const realm = realms[name]
      expect(await stepUp(realm, await realm.register(), proof)).toMatchObject({ status: 422 })
    },
  )
})

it('a linked user proves itself with the platform’s password or factor', async () => {
  const owner = await test.api.register()
  const { id } = await test.api.createOrganization(owner)
  const tenant = realmOf(test, id)
  const inTenant = await test.api.login(owner, id)
  expect(await stepUp(tenant, inTenant, { password: 'not it at all' })).toMatchObject(WRONG)
  expect((await stepUp(tenant, inTenant, { password: owner.password })).status).toBe(204)
  const { secret } = await protect(test, realms.core, clock, owner)
  expect(await stepUp(tenant, inTenant, { password: owner.password })).toMatchObject({ status: 403 })
  expect((await stepUp(tenant, inTenant, { code: codeAt(secret, clock.nextStep()) })).status).toBe(204)
})

it('O9 sessions from before there were second factors are not fresh', async () => {
  const [row] = await realms.core.change(sql`SELECT pg_get_expr(adbin, adrelid) AS "default" FROM pg_attrdef
    WHERE adrelid = 'sessions'::regclass AND pg_get_expr(adbin, adrelid) LIKE '%now()%' AND adnum =
    (SELECT attnum FROM pg_attribute WHERE attrelid = 'sessions'::regclass AND attname = 'authenticated_at')`)
  expect(row).toEqual({ default: 'now()' })
  const [missing] = await realms.core.change(sql`SELECT attmissingval::text AS value FROM pg_attribute
    WHERE attrelid = 'sessions'::regclass AND attname = 'authenticated_at'`)
  expect(missing?.['value']).toMatch(/1970-01-01/)
})

describe('what an organization’s owner does', () => {
  it('O9 to ask members for a second factor, and to ask no more, wants a recent proof', async () => {
    const owner = await test.api.register()
    const { id } = await test.api.createOrganization(owner)
    const tenant = realmOf(test, id)
    const inside = await test.api.login(owner, id)
    const ask = (second_factor_required: boolean) =>
      test.api.patch('/organization', { second_factor_required }, as(tenant, inside))
    await age(tenant, inside)
    expect(await ask(true)).toMatchObject(STALE)
    expect(await ask(false)).toMatchObject(STALE)
    const registration = await test.api.patch('/organization', { registration: 'invite' }, as(tenant, inside))
    expect(registration.status).toBe(200)
    await stepUp(tenant, inside, { password: owner.password })
    expect(await ask(false)).toMatchObject({ status: 200, body: { second_factor_required: false } })
    expect(await ask(true)).toMatchObject({ status: 200, body: { second_factor_required: true } })
    // The owner has none either.
    expect(await ask(false)).toMatchObject({ status: 403, body: { code: 'mfa-required' } })
  })

  it('O9 to give a role that runs the organization wants a recent proof, as to hand over does', async () => {
    const owner = await test.api.register()
    const { id } = await test.api.createOrganization(owner)
    const tenant = realmOf(test, id)
    const inside = await test.api.login(owner, id)
    const ann = await addLinked(test, id)
    const make = (role: string) => test.api.patch(`/members/${ann.memberId}`, { role }, as(tenant, inside))
    const invite = (role: string) =>
      test.api.post('/invitations', { email: `${unique('guest')}@example.com`, role }, as(tenant, inside))
    await age(tenant, inside)
    // Else whoever stole an old session would have an accomplice do, freshly signed in, what it may not.
    for (const role of ['owner', 'admin']) expect(await make(role)).toMatchObject(STALE)
    expect(await invite('admin')).toMatchObject(STALE)
    expect((await invite('member')).status).toBe(201)
    await stepUp(tenant, inside, { password: owner.password })
    expect((await invite('admin')).status).toBe(201)
    for (const role of ['admin', 'owner'])
      expect(await make(role)).toMatchObject({ status: 200, body: { role } })
    await age(tenant, inside)
    const bob = `/members/${(await addLinked(test, id, 'admin')).memberId}`
    const ask = (verb: string) => test.api.post(`${bob}/${verb}`, undefined, as(tenant, inside))
    expect((await ask('deactivate')).status).toBe(200)
    expect(await ask('reactivate')).toMatchObject(STALE)
    const demoted = await test.api.patch(bob, { role: 'member' }, as(tenant, inside))
    expect(demoted).toMatchObject({ status: 200, body: { role: 'member' } })
    expect((await ask('reactivate')).status).toBe(200)
  })

  it('with a token that was exchanged is as old as the core session', async () => {
    const owner = await test.api.register()
    const { id } = await test.api.createOrganization(owner)
    const exchange = async () => {
      const { body } = await test.api.post(`/organizations/${id}/token`, {}, { token: owner.token })
      return { token: body.access_token as string, tenantId: id }
    }
    const transfer = async () =>
      await test.api.post('/organization/transfer', { member_id: newId() }, await exchange())
    expect((await transfer()).status).toBe(404)
    await age(realmOf(test), owner)
    expect(await transfer()).toMatchObject(STALE)
  })
})
