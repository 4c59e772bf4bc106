import { sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requireSecondFactor } from '../../src/organizations/index.ts'
import type { Id } from '../../src/platform/index.ts'
import type { ApiReply } from '../support/api-client.ts'
import type { SoftPasskey } from '../support/authenticator.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { signIn, stepUpWith, withPasskey } from '../support/passkeys.ts'
import { REALM_NAMES, type RealmName, realmOf, sessionOf, type TestRealm } from '../support/realms.ts'
import { answer, as, challengeFor, codeAt, createTestClock, protect } from '../support/second-factor.ts'

const DEAD = { status: 401, body: { code: 'invalid-token' } }
const WRONG = { status: 401, body: { code: 'invalid-credentials' } }

const clock = createTestClock()
let test: CheckedPlatform
let realms: Record<RealmName, TestRealm>
beforeAll(async () => {
  test = await startCheckedPlatform({ clock })
  const { id } = await test.api.createOrganization(await test.api.register())
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
})
afterAll(() => test.close())

type Place = Pick<TestRealm, 'tenantId'>

const optionsFor = (realm: Place, mfaToken: string): Promise<ApiReply> =>
  test.api.post('/auth/mfa/verify/options', { mfa_token: mfaToken }, { tenantId: realm.tenantId })

async function verify(realm: Place, mfaToken: string, passkey: SoftPasskey): Promise<ApiReply> {
  const { body } = await optionsFor(realm, mfaToken)
  return await answer(test, realm, mfaToken, { passkey: passkey.get(body) })
}

describe.each(REALM_NAMES)('after the password, in the %s realm', (name) => {
  it('a passkey is one of the methods, and ends the sign-in', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    await withPasskey(test, realm, user)
    const { email, password } = user
    const { body } = await test.api.post('/auth/login', { email, password }, { tenantId: realm.tenantId })
    expect(body).toMatchObject({ code: 'mfa-required', methods: ['passkey', 'recovery_code'] })
    const options = await optionsFor(realm, body.mfa_token)
    expect(options.body).toMatchObject({ userVerification: 'required', rpId: 'localhost' })
    expect(options.body.allowCredentials).toHaveLength(2)
    expect(options.body.allowCredentials).toContainEqual({
      id: passkey.credentialId,
      type: 'public-key',
      transports: ['hybrid', 'internal'],
    })
    const signedIn = await answer(test, realm, body.mfa_token, { passkey: passkey.get(options.body) })
    expect(signedIn).toMatchObject({ status: 200, body: { user: { id: user.id }, scope: name } })
    expect(decodeJwt(signedIn.body.access_token)['amr']).toEqual(['pwd', 'hwk', 'user'])
  })

  it('an authenticator that does not say whose passkey it is, is taken too', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    for (const userHandle of [undefined, null, '']) {
      const token = await challengeFor(test, realm, user)
      const { body } = await optionsFor(realm, token)
      const signed = { passkey: passkey.get(body, { userHandle }) }
      expect((await answer(test, realm, token, signed)).status).toBe(200)
    }
  })

  it('one that says it is somebody else’s is not', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    const token = await challengeFor(test, realm, user)
    const { body } = await optionsFor(realm, token)
    const userHandle = Buffer.from((await realm.register()).id.replaceAll('-', ''), 'hex').toString(
      'base64url',
    )
    const signed = { passkey: passkey.get(body, { userHandle }) }
    expect(await answer(test, realm, token, signed)).toMatchObject(WRONG)
    expect((await verify(realm, token, passkey)).status).toBe(200)
  })

  it('a code of an app does as well, and the app’s owner is asked for no passkey', async () => {
    const realm = realms[name]
    const { user, secret } = await protect(test, realm, clock)
    const token = await challengeFor(test, realm, user)
    const none = { status: 404, body: { code: 'no-second-factor' } }
    expect(await optionsFor(realm, token)).toMatchObject(none)
    const fresh = await realm.register()
    const stepUp = await test.api.post('/auth/step-up/options', undefined, as(realm, fresh))
    expect(stepUp).toMatchObject(none)
    await withPasskey(test, realm, user)
    const code = { code: codeAt(secret, clock.nextStep()) }
    expect((await answer(test, realm, token, code)).status).toBe(200)
  })

  it('asking for options spends no try, and is answered as long as there is one', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    const token = await challengeFor(test, realm, user)
    for (let time = 0; time < 6; time++) expect((await optionsFor(realm, token)).status).toBe(200)
    expect((await verify(realm, token, passkey)).status).toBe(200)
    expect(await optionsFor(realm, token)).toMatchObject(DEAD)
    expect(await optionsFor(realm, 'trm_')).toMatchObject(DEAD)
  })

  it('O7 O8 the sign-in is over after five minutes, and in other realms it is none', async () => {
    const realm = realms[name]
    const other = realms[name === 'core' ? 'tenant' : 'core']
    const { user, passkey } = await withPasskey(test, realm)
    const token = await challengeFor(test, realm, user)
    expect(await optionsFor(other, token)).toMatchObject(DEAD)
    const { body } = await optionsFor(realm, token)
    expect(await answer(test, other, token, { passkey: passkey.get(body) })).toMatchObject(DEAD)
    await realm.change(sql`UPDATE second_factor_challenges SET expires_at = now() WHERE user_id = ${user.id}`)
    expect(await answer(test, realm, token, { passkey: passkey.get(body) })).toMatchObject(DEAD)
    expect(await optionsFor(realm, token)).toMatchObject(DEAD)
  })

  it('what one sign-in was asked answers no other one, and no step-up', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    const [one, other] = [await challengeFor(test, realm, user), await challengeFor(test, realm, user)]
    const { body } = await optionsFor(realm, one)
    const signed = { passkey: passkey.get(body) }
    expect(await answer(test, realm, other, signed)).toMatchObject(WRONG)
    expect(await test.api.post('/auth/step-up', signed, as(realm, user))).toMatchObject(WRONG)
    const alone = { response: passkey.get(body) }
    const login = await test.api.post('/auth/passkeys/login', alone, { tenantId: realm.tenantId })
    expect(login).toMatchObject(WRONG)
    expect((await answer(test, realm, one, { passkey: passkey.get(body) })).status).toBe(200)
    await test.platform.repeats.settle()
    const entries = await realm.change(sql`SELECT details FROM audit_log
      WHERE target_id = ${user.id} AND action = 'user.login_failed'`)
    expect(entries).toContainEqual({ details: { attempts: 1, reason: 'second-factor' } })
  })
})

describe.each(REALM_NAMES)('to step up in the %s realm', (name) => {
  it('a passkey is enough, and the password is not any more', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    const { body: elsewhere } = await signIn(test, realm, passkey)
    const session = { token: elsewhere.access_token as string }
    await realm.change(sql`UPDATE sessions SET authenticated_at = now() - interval '1 hour'
      WHERE user_id = ${user.id}`)
    const codes = () => test.api.post('/auth/mfa/recovery-codes', undefined, as(realm, session))
    expect(await codes()).toMatchObject({ status: 403, body: { code: 'step-up-required' } })
    const password = { password: user.password }
    expect(await test.api.post('/auth/step-up', password, as(realm, session))).toMatchObject({
      status: 403,
      body: { code: 'mfa-required' },
    })
    expect((await stepUpWith(test, realm, session, passkey)).status).toBe(204)
    expect((await codes()).status).toBe(200)
    const [row] = await realm.change(sql`SELECT amr FROM sessions WHERE id = ${sessionOf(session)}`)
    expect(row).toEqual({ amr: ['hwk', 'user'] })
  })

  it('what one session was asked answers no other session of the same user', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    const { body: elsewhere } = await signIn(test, realm, passkey)
    const { body } = await test.api.post('/auth/step-up/options', undefined, as(realm, user))
    const signed = { passkey: passkey.get(body) }
    const other = as(realm, { token: elsewhere.access_token })
    expect(await test.api.post('/auth/step-up', signed, other)).toMatchObject(WRONG)
    expect((await test.api.post('/auth/step-up', signed, as(realm, user))).status).toBe(204)
    expect(await test.api.post('/auth/step-up', signed, as(realm, user))).toMatchObject(WRONG)
  })
})

describe('a linked user', () => {
  it('shows the platform’s passkey after the password, and to step up', async () => {
    const owner = await test.api.register()
    const { id } = await test.api.createOrganization(owner)
    const tenant = realmOf(test, id)
    const inside = await test.api.login(owner, id)
    const { passkey } = await withPasskey(test, realms.core, owner)
    const signedIn = await verify(tenant, await challengeFor(test, tenant, owner), passkey)
    expect(signedIn).toMatchObject({ status: 200, body: { tenant_id: id } })
    expect((await stepUpWith(test, tenant, inside, passkey)).status).toBe(204)
  })
})

describe('an organization that asks for a second factor', () => {
  it('is content with a passkey, of its own users and of linked ones', async () => {
    const owner = await test.api.register()
    const { id } = await test.api.createOrganization(owner)
    const tenant = realmOf(test, id)
    const user = await tenant.register()
    await test.platform.tenancy.withTenant(id as Id, (db) => requireSecondFactor(db, true))
    const profile = async (token: string) => (await test.api.get('/users/me', { token, tenantId: id })).status
    expect(await profile(user.token)).toBe(403)
    const { passkeyId } = await withPasskey(test, tenant, user)
    expect(await profile(user.token)).toBe(200)
    const removed = await test.api.delete(`/auth/mfa/passkeys/${passkeyId}`, as(tenant, user))
    expect(removed.status).toBe(204)
    expect(await profile(user.token)).toBe(403)

    const { passkey } = await withPasskey(test, realms.core, owner)
    const { body } = await signIn(test, tenant, passkey)
    expect(await profile(body.access_token)).toBe(200)
    const refreshed = await tenant.refresh(body.refresh_token)
    expect(await profile(refreshed.body.access_token)).toBe(200)
    const exchanged = await test.api.post(`/organizations/${id}/token`, {}, { token: owner.token })
    expect(await profile(exchanged.body.access_token)).toBe(200)
  })
})
