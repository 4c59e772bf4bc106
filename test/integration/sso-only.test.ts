import { sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiCall, type ApiReply, PASSWORD, type SignedInUser } from '../support/api-client.ts'
import { mailsTo } from '../support/mailbox.ts'
import { type HostileProvider, startHostileProvider } from '../support/oidc/hostile-provider.ts'
import {
  connect,
  makeOrganization,
  person,
  type SsoOrganization,
  type SsoPlatform,
  signIn,
  startSsoPlatform,
} from '../support/oidc/sso.ts'
import { addLinked, enter, type LinkedPerson } from '../support/people.ts'
import { realmOf } from '../support/realms.ts'
import { inTenant } from '../support/rows.ts'
import { codeAt, createTestClock, protect } from '../support/second-factor.ts'

const REFUSED = { status: 401, body: { code: 'invalid-credentials' } }
const clock = createTestClock()

let test: SsoPlatform
let idp: HostileProvider
let own: SsoOrganization
let local: SignedInUser
let linked: LinkedPerson
beforeAll(async () => {
  test = await startSsoPlatform({ clock })
  idp = await startHostileProvider()
  own = await makeOrganization(test)
  local = await test.api.register({ tenantId: own.id })
  linked = await addLinked(test, own.id, 'admin')
})
afterAll(async () => {
  await idp.close()
  await test.close()
})

const setPolicy = (changes: object, call = own.call): Promise<ApiReply> =>
  test.api.patch('/organization', changes, call)
const tryLogin = (person: { email: string; password: string }) =>
  test.api.post('/auth/login', { email: person.email, password: person.password }, { tenantId: own.id })
const refresh = (refresh_token: string) =>
  test.api.post('/auth/refresh', { refresh_token }, { tenantId: own.id })

it('is refused as the only way in while nobody could get in through it', async () => {
  const notReady = { status: 409, body: { code: 'sso-not-ready' } }
  expect(await setPolicy({ sso_only: true })).toMatchObject(notReady)
  await connect(test, own, idp, { enabled: false })
  expect(await setPolicy({ sso_only: true })).toMatchObject(notReady)
  await connect(test, own, idp)
  const [{ id }] = (await test.api.get('/organization/domains', own.call)).body
  const owner = await test.api.register()
  const bare = await test.api.createOrganization(owner)
  const { token } = await test.api.login(owner, bare.id)
  const call = { token, tenantId: bare.id }
  await connect(test, { call }, idp)
  expect(await setPolicy({ sso_only: true }, call)).toMatchObject(notReady)
  expect(await setPolicy({ sso_only: true })).toMatchObject({ status: 200, body: { sso_only: true } })
  const needed = { status: 409, body: { code: 'sso-only-active' } }
  expect(await connect(test, own, idp, { enabled: false })).toMatchObject(needed)
  expect(await test.api.delete('/organization/sso', own.call)).toMatchObject(needed)
  expect(await test.api.delete(`/organization/domains/${id}`, own.call)).toMatchObject(needed)
})

describe('with the provider as the only way in', () => {
  it('F1 a right password is answered as a wrong one, and as an unknown address', async () => {
    const comer = await signIn(test, own.id, idp, { claims: person(own.domain) })
    const withoutPassword = comer.body.user.email
    const bodies: object[] = []
    for (const credentials of [
      { email: local.email, password: PASSWORD },
      { email: local.email, password: 'wrong' },
      { email: linked.email, password: PASSWORD },
      { email: withoutPassword, password: PASSWORD },
      { email: 'nobody@example.com', password: PASSWORD },
    ]) {
      const reply = await tryLogin(credentials)
      expect(reply, credentials.email).toMatchObject(REFUSED)
      bodies.push({ ...reply.body, instance: '' })
    }
    expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
  })

  it('F1 neither is anybody asked for a second factor', async () => {
    await setPolicy({ sso_only: false })
    const user = await test.api.register({ tenantId: own.id })
    const { secret } = await protect(test, realmOf(test, own.id), clock, user)
    const challenge = await tryLogin(user)
    expect(challenge.body.code).toBe('mfa-required')
    await setPolicy({ sso_only: true })
    expect(await tryLogin(user)).toMatchObject(REFUSED)
    // One that was begun before does not end either.
    const body = { mfa_token: challenge.body.mfa_token, code: codeAt(secret, clock.nextStep()) }
    expect(await test.api.post('/auth/mfa/verify', body, { tenantId: own.id })).toMatchObject(REFUSED)
  })

  it('sessions of passwords and exchanges end with their next refresh; those of the provider go on', async () => {
    const comer = await signIn(test, own.id, idp, { claims: person(own.domain) })
    expect((await refresh(local.refreshToken)).status).toBe(401)
    expect((await refresh(linked.tenantRefreshToken)).status).toBe(401)
    expect((await refresh(comer.body.refresh_token)).status).toBe(200)
  })

  it('nobody comes by exchange, registration or invitation', async () => {
    const required = { status: 403, body: { code: 'sso-required' } }
    const exchanged = await test.api.post(`/organizations/${own.id}/token`, {}, { token: linked.token })
    expect(exchanged).toMatchObject(required)
    const body = { email: 'new@example.com', password: PASSWORD }
    expect(await test.api.post('/auth/register', body, { tenantId: own.id })).toMatchObject(required)
    const invitation = { email: 'new@example.com', role: 'member' }
    expect(await test.api.post('/invitations', invitation, own.call)).toMatchObject(required)
  })

  it('O9 no password makes a session fresh, other than an owner’s', async () => {
    const call = { token: linked.tenantToken, tenantId: own.id }
    const stepUp = (password: string, as: ApiCall = call) => test.api.post('/auth/step-up', { password }, as)
    for (const password of [linked.password, 'not it at all'])
      expect(await stepUp(password)).toMatchObject({ status: 403, body: { code: 'sso-required' } })
    expect((await stepUp(own.owner.password, own.call)).status).toBe(204)
  })

  it('no password is reset, by a link from before either', async () => {
    await setPolicy({ sso_only: false })
    const ask = () => test.api.post('/auth/password/forgot', { email: local.email }, { tenantId: own.id })
    expect((await ask()).status).toBe(202)
    const [mail] = await mailsTo(test, local.email)
    await setPolicy({ sso_only: true })
    const reset = { token: mail?.token, password: 'another long way to go' }
    expect(await test.api.post('/auth/password/reset', reset, { tenantId: own.id })).toMatchObject({
      status: 400,
      body: { code: 'invalid-link' },
    })
    expect((await ask()).status).toBe(202)
    const [explanation] = await mailsTo(test, local.email)
    expect(explanation).toMatchObject({ subject: 'You sign in through your organization', token: '' })
  })

  it('owners have another way', async () => {
    expect((await tryLogin(own.owner)).status).toBe(200)
    expect((await enter(test, own.id, own.owner)).memberId).toBeTruthy()
    expect((await refresh((await test.api.login(own.owner, own.id)).refreshToken)).status).toBe(200)
  })
})

describe('a second factor that the organization requires', () => {
  const me = (reply: ApiReply) =>
    test.api.get('/users/me', { token: reply.body.access_token, tenantId: own.id })
  const someone = (amr: unknown) => signIn(test, own.id, idp, { claims: person(own.domain, { amr }) })

  beforeAll(async () => {
    await setPolicy({ second_factor_required: true })
    await inTenant(test.platform, own.id, sql`UPDATE second_factor_policy SET is_required = true`)
  })

  it('is one that the provider saw, where that is trusted, and no other word of it', async () => {
    expect(await me(await someone(['pwd', 'mfa']))).toMatchObject({
      status: 403,
      body: { code: 'mfa-required' },
    })
    await inTenant(test.platform, own.id, sql`UPDATE sso_connections SET is_mfa_trusted = true`)
    const trusted = await someone(['pwd', 'mfa'])
    expect((await me(trusted)).status).toBe(200)
    expect(decodeJwt(trusted.body.access_token)['amr']).toEqual(['sso', 'mfa'])
    expect((await me(await refresh(trusted.body.refresh_token))).status).toBe(200)
    for (const amr of [['pwd'], ['otp'], 'mfa', undefined])
      expect((await me(await someone(amr))).status).toBe(403)
  })

  it('is still the one that the provider saw when one’s own is removed', async () => {
    const reply = await someone(['mfa'])
    const call = { token: reply.body.access_token, tenantId: own.id }
    const user = { ...local, token: call.token }
    await protect(test, realmOf(test, own.id), clock, user)
    expect((await test.api.delete('/auth/mfa/totp', call)).status).toBe(204)
    expect((await me(reply)).status).toBe(200)
  })

  it('may be one of their own, which is shown in each session', async () => {
    const claims = person(own.domain)
    const first = await signIn(test, own.id, idp, { claims })
    const user = {
      id: '',
      password: '',
      refreshToken: '',
      token: first.body.access_token,
      email: claims.email,
    }
    const { secret } = await protect(test, realmOf(test, own.id), clock, user)
    expect((await me(first)).status).toBe(200)
    const second = await signIn(test, own.id, idp, { claims })
    expect((await me(second)).status).toBe(403)
    const call = { token: second.body.access_token, tenantId: own.id }
    // The provider's word alone is not enough for what only the factor may allow.
    expect((await test.api.post('/auth/mfa/totp', undefined, call)).body.code).toBe('step-up-required')
    const code = codeAt(secret, clock.nextStep())
    expect((await test.api.post('/auth/step-up', { code }, call)).status).toBe(204)
    expect((await me(second)).status).toBe(200)
  })
})

it('a sign-in is as recent as the provider says', async () => {
  const seconds = Math.floor(Date.now() / 1000)
  const anew = async (auth_time: number) => {
    const reply = await signIn(test, own.id, idp, { claims: person(own.domain, { auth_time, amr: ['mfa'] }) })
    const call = { token: reply.body.access_token, tenantId: own.id }
    return (await test.api.post('/auth/mfa/totp', undefined, call)).status
  }
  expect(await anew(seconds - 3_600)).toBe(403)
  expect(await anew(seconds)).toBe(201)
  expect(await anew(seconds + 86_400)).toBe(201)
})
