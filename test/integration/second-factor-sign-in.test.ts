import { sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { tokenFor } from '../support/mailbox.ts'
import { REALM_NAMES, type RealmName, realmOf, sessionOf, type TestRealm } from '../support/realms.ts'
import {
  answer,
  as,
  challengeFor,
  codeAt,
  createTestClock,
  protect,
  STEP_MS,
  wrongCodeAt,
} from '../support/second-factor.ts'

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

describe.each(REALM_NAMES)('signing in to the %s realm', (name) => {
  it('asks for a code after the password, and gives a session for it', async () => {
    const realm = realms[name]
    const { user, secret } = await protect(test, realm, clock)
    const { email, password } = user
    const asked = await test.api.post('/auth/login', { email, password }, { tenantId: realm.tenantId })
    expect(asked).toMatchObject({
      status: 401,
      headers: { 'www-authenticate': 'Bearer realm="tenantry"' },
      body: { code: 'mfa-required', status: 401, methods: ['totp', 'recovery_code'] },
    })
    expect(asked.body.mfa_token).toMatch(/^trm_[\w-]{43}$/)
    clock.nextStep()
    const code = codeAt(secret, clock.now())
    const { status, body } = await answer(test, realm, asked.body.mfa_token, { code })
    expect(status).toBe(200)
    expect(body).toMatchObject({ user: { id: user.id, email }, scope: name, token_type: 'bearer' })
    expect(decodeJwt(body.access_token)).toMatchObject({ amr: ['pwd', 'otp'], sub: user.id })
    expect(await realm.isIn(body.access_token)).toBe(true)
    expect((await realm.refresh(body.refresh_token)).status).toBe(200)
  })

  it('answers a wrong password as ever, and writes nothing down', async () => {
    const realm = realms[name]
    const { user } = await protect(test, realm, clock)
    const call = { tenantId: realm.tenantId }
    const plain = await realm.register()
    const login = (email: string) => test.api.post('/auth/login', { email, password: 'not it at all' }, call)
    const [protectedOne, other] = [await login(user.email), await login(plain.email)]
    expect(protectedOne).toMatchObject(WRONG)
    expect({ ...protectedOne.body, instance: '' }).toEqual({ ...other.body, instance: '' })
    const rows = await realm.change(sql`SELECT FROM second_factor_challenges WHERE user_id = ${user.id}`)
    expect(rows).toEqual([])
  })

  it('O6 accepts a code of the steps beside the present one, and of none further away', async () => {
    const realm = realms[name]
    for (const [steps, isRight] of [
      [-2, false],
      [-1, true],
      [0, true],
      [1, true],
      [2, false],
    ] as const) {
      const { user, secret } = await protect(test, realm, clock)
      await realm.change(sql`UPDATE second_factors SET last_step = NULL WHERE user_id = ${user.id}`)
      const token = await challengeFor(test, realm, user)
      const code = codeAt(secret, new Date(clock.now().getTime() + steps * STEP_MS))
      expect((await answer(test, realm, token, { code })).status, `step ${steps}`).toBe(isRight ? 200 : 401)
    }
  })

  it('O6 accepts one code for each step, in their order', async () => {
    const realm = realms[name]
    const { user, secret } = await protect(test, realm, clock)
    // The code that confirmed the app is used.
    const atSetUp = { code: codeAt(secret, clock.now()) }
    expect(await answer(test, realm, await challengeFor(test, realm, user), atSetUp)).toMatchObject(WRONG)
    const before = { code: codeAt(secret, clock.nextStep()) }
    const now = { code: codeAt(secret, clock.nextStep()) }
    expect((await answer(test, realm, await challengeFor(test, realm, user), now)).status).toBe(200)
    for (const code of [now, before])
      expect(await answer(test, realm, await challengeFor(test, realm, user), code)).toMatchObject(WRONG)
    const later = { code: codeAt(secret, clock.nextStep()) }
    expect((await answer(test, realm, await challengeFor(test, realm, user), later)).status).toBe(200)
  })

  it('a recovery code is good once, however it is written', async () => {
    const realm = realms[name]
    const { user, recoveryCodes } = await protect(test, realm, clock)
    const [first = '', second = ''] = recoveryCodes
    const use = async (code: string) =>
      await answer(test, realm, await challengeFor(test, realm, user), { recovery_code: code })
    const used = await use(` ${first.toUpperCase().replaceAll('-', ' ')} `)
    expect(used.status).toBe(200)
    expect(await use(first)).toMatchObject(WRONG)
    expect((await use(second.replaceAll('-', '').replaceAll('0', 'O').replaceAll('1', 'l'))).status).toBe(200)
    const left = await test.api.get('/auth/mfa', as(realm, { token: used.body.access_token }))
    expect(left.body.recovery_codes_left).toBe(8)
  })

  it('who has no recovery code left is not offered to send one', async () => {
    const realm = realms[name]
    const { user } = await protect(test, realm, clock)
    await realm.change(sql`UPDATE recovery_codes SET used_at = now() WHERE user_id = ${user.id}`)
    const { email, password } = user
    const asked = await test.api.post('/auth/login', { email, password }, { tenantId: realm.tenantId })
    expect(asked.body.methods).toEqual(['totp'])
  })

  it('A7 O7 the mfa token opens nothing', async () => {
    const realm = realms[name]
    const { user, secret } = await protect(test, realm, clock)
    const token = await challengeFor(test, realm, user)
    for (const path of ['/users/me', '/organizations/me', '/auth/sessions', '/auth/mfa'])
      expect(await test.api.get(path, { token, tenantId: realm.tenantId })).toMatchObject(DEAD)
    expect(await realm.refresh(token)).toMatchObject(DEAD)
    // And no other token is one.
    const code = { code: codeAt(secret, clock.nextStep()) }
    for (const other of [user.token, user.refreshToken, 'garbage', `trm_${'A'.repeat(43)}`])
      expect(await answer(test, realm, other, code)).toMatchObject(DEAD)
    const sessions = await realm.change(sql`SELECT FROM sessions WHERE user_id = ${user.id}`)
    expect(sessions).toHaveLength(1)
    expect((await answer(test, realm, token, code)).status).toBe(200)
  })

  it('O8 a challenge that is over takes no right code', async () => {
    const realm = realms[name]
    const { user, secret } = await protect(test, realm, clock)
    const token = await challengeFor(test, realm, user)
    const [row] = await realm.change(sql`SELECT extract(epoch FROM expires_at - created_at)::int AS life
      FROM second_factor_challenges WHERE user_id = ${user.id}`)
    expect(row).toEqual({ life: 300 })
    await realm.change(sql`UPDATE second_factor_challenges SET expires_at = now() WHERE user_id = ${user.id}`)
    const code = { code: codeAt(secret, clock.nextStep()) }
    expect(await answer(test, realm, token, code)).toMatchObject(DEAD)
    expect((await answer(test, realm, await challengeFor(test, realm, user), code)).status).toBe(200)
    const rows = await realm.change(sql`SELECT FROM second_factor_challenges WHERE user_id = ${user.id}`)
    expect(rows).toHaveLength(1)
  })

  it('O8 a challenge makes one session, and takes five tries', async () => {
    const realm = realms[name]
    const { user, secret } = await protect(test, realm, clock)
    const used = await challengeFor(test, realm, user)
    expect((await answer(test, realm, used, { code: codeAt(secret, clock.nextStep()) })).status).toBe(200)
    const next = { code: codeAt(secret, clock.nextStep()) }
    expect(await answer(test, realm, used, next)).toMatchObject(DEAD)
    const tried = await challengeFor(test, realm, user)
    const wrong = { code: wrongCodeAt(secret, clock.now()) }
    for (let time = 0; time < 5; time++) expect(await answer(test, realm, tried, wrong)).toMatchObject(WRONG)
    expect(await answer(test, realm, tried, next)).toMatchObject(DEAD)
  })

  it('ten wrong codes in a quarter of an hour are all, over whatever challenges', async () => {
    const realm = realms[name]
    const { user, secret } = await protect(test, realm, clock)
    const wrong = { code: wrongCodeAt(secret, clock.now()) }
    for (let time = 0; time < 10; time++)
      expect(await answer(test, realm, await challengeFor(test, realm, user), wrong)).toMatchObject(WRONG)
    const right = { code: codeAt(secret, clock.nextStep()) }
    const token = await challengeFor(test, realm, user)
    const refused = await answer(test, realm, token, right)
    expect(refused).toMatchObject({ status: 429, body: { code: 'rate-limited' } })
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(800)
    await realm.change(sql`UPDATE proof_tries SET window_ends_at = now() WHERE user_id = ${user.id}`)
    expect((await answer(test, realm, token, right)).status).toBe(200)
    expect(await realm.change(sql`SELECT FROM proof_tries WHERE user_id = ${user.id}`)).toEqual([])
  })

  it.each([
    ['neither', {}],
    ['both', { code: '123456', recovery_code: 'abcd' }],
  ])('an answer has one proof, not %s', async (_, proof) => {
    const body = { mfa_token: `trm_${'A'.repeat(43)}`, ...proof }
    const reply = await test.api.post('/auth/mfa/verify', body, { tenantId: realms[name].tenantId })
    expect(reply).toMatchObject({ status: 422, body: { code: 'validation-failed' } })
  })

  it('who is disabled meanwhile does not get in', async () => {
    const realm = realms[name]
    const { user, secret } = await protect(test, realm, clock)
    const token = await challengeFor(test, realm, user)
    await realm.change(sql`UPDATE users SET is_active = false WHERE id = ${user.id}`)
    expect(await answer(test, realm, token, { code: codeAt(secret, clock.nextStep()) })).toMatchObject(DEAD)
    expect(await realm.change(sql`SELECT FROM sessions WHERE user_id = ${user.id}`)).toHaveLength(1)
  })

  it('O4 a new password asks for the factor as before, and ends what the old one began', async () => {
    const realm = realms[name]
    const { user, secret } = await protect(test, realm, clock)
    const begun = await challengeFor(test, realm, user)
    const call = { tenantId: realm.tenantId }
    await test.api.post('/auth/password/forgot', { email: user.email }, call)
    const token = await tokenFor(test, user.email, 'password-reset')
    const password = 'quite another staple battery'
    expect((await test.api.post('/auth/password/reset', { token, password }, call)).status).toBe(204)
    const code = { code: codeAt(secret, clock.nextStep()) }
    expect(await answer(test, realm, begun, code)).toMatchObject(DEAD)
    const renewed = await challengeFor(test, realm, { email: user.email, password })
    expect((await answer(test, realm, renewed, code)).status).toBe(200)
  })

  it('a session goes on without another code', async () => {
    const realm = realms[name]
    const { user } = await protect(test, realm, clock)
    const { status, body } = await realm.refresh(user.refreshToken)
    expect(status).toBe(200)
    expect(sessionOf({ token: body.access_token })).toBe(sessionOf(user))
  })
})

it('a linked user whose platform account is disabled meanwhile does not get in', async () => {
  const owner = await test.api.register()
  const { id } = await test.api.createOrganization(owner)
  const { secret } = await protect(test, realms.core, clock, owner)
  const token = await challengeFor(test, { tenantId: id }, owner)
  await realms.core.change(sql`UPDATE users SET is_active = false WHERE id = ${owner.id}`)
  const code = { code: codeAt(secret, clock.nextStep()) }
  expect(await answer(test, { tenantId: id }, token, code)).toMatchObject(DEAD)
})

it('O7 a challenge of one realm is none in another', async () => {
  const { core, tenant } = realms
  const { user, secret } = await protect(test, core, clock)
  const { id } = await test.api.createOrganization(await test.api.register())
  const member = await protect(test, tenant, clock)
  const code = () => ({ code: codeAt(secret, clock.nextStep()) })
  const token = await challengeFor(test, core, user)
  for (const realm of [tenant, { tenantId: id }])
    expect(await answer(test, realm, token, code())).toMatchObject(DEAD)
  const inTenant = await challengeFor(test, tenant, member.user)
  for (const realm of [core, { tenantId: id }])
    expect(await answer(test, realm, inTenant, code())).toMatchObject(DEAD)
  expect((await answer(test, core, token, code())).status).toBe(200)
})
