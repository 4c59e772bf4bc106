import { sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { REALM_NAMES, realmOf, sessionOf, type TestRealm } from '../support/realms.ts'
import {
  answer,
  as,
  challengeFor,
  codeAt,
  createTestClock,
  protect,
  wrongCodeAt,
} from '../support/second-factor.ts'
import { TIME } from '../support/shapes.ts'

const WRONG = { status: 401, body: { code: 'invalid-credentials' } }
const RECOVERY_CODE = /^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/

const clock = createTestClock()
let test: CheckedPlatform
let realms: Record<(typeof REALM_NAMES)[number], TestRealm>
const told: { name: string; payload: object; tenantId?: string }[] = []
beforeAll(async () => {
  test = await startCheckedPlatform({ clock })
  const { id } = await test.api.createOrganization(await test.api.register())
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
  for (const name of [
    'second_factor.enabled',
    'second_factor.disabled',
    'second_factor.recovery_codes_renewed',
  ] as const)
    test.platform.events.on(name, 'test', (event) => void told.push(event))
})
afterAll(() => test.close())

describe.each(REALM_NAMES)('in the %s realm', (name) => {
  it('an app counts once a code of it was shown, and the recovery codes are told then', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const mine = as(realm, user)
    const none = { factors: [], passkeys: [], recovery_codes_left: 0, managed_on_platform: false }
    expect((await test.api.get('/auth/mfa', mine)).body).toEqual(none)

    const begun = await test.api.post('/auth/mfa/totp', undefined, mine)
    expect(begun.status).toBe(201)
    const { secret, otpauth_uri } = begun.body
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    const uri = new URL(otpauth_uri)
    expect(uri.href).toMatch(/^otpauth:\/\/totp\/Tenantry:/)
    expect(Object.fromEntries(uri.searchParams)).toEqual({
      issuer: 'Tenantry',
      secret,
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    })
    expect((await test.api.get('/auth/mfa', mine)).body).toEqual(none)
    expect((await test.api.login(user, realm.tenantId)).id).toBe(user.id)

    const wrong = { code: wrongCodeAt(secret, clock.now()) }
    expect(await test.api.post('/auth/mfa/totp/confirm', wrong, mine)).toMatchObject(WRONG)
    const confirmed = await test.api.post(
      '/auth/mfa/totp/confirm',
      { code: codeAt(secret, clock.now()) },
      mine,
    )
    expect(confirmed.status).toBe(200)
    const { recovery_codes: codes } = confirmed.body
    expect(new Set(codes).size).toBe(10)
    for (const code of codes) expect(code).toMatch(RECOVERY_CODE)
    expect((await test.api.get('/auth/mfa', mine)).body).toEqual({
      factors: [{ kind: 'totp', confirmed_at: expect.stringMatching(TIME) }],
      passkeys: [],
      recovery_codes_left: 10,
      managed_on_platform: false,
    })
    await test.platform.events.settle()
    const whose = { userId: user.id, scope: name }
    expect(told.filter(({ payload }) => Reflect.get(payload, 'userId') === user.id)).toMatchObject([
      { name: 'second_factor.enabled', payload: whose, ...(realm.tenantId && { tenantId: realm.tenantId }) },
    ])
  })

  it('a second app takes the place of one that was never confirmed, and of no other', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const mine = as(realm, user)
    const first = (await test.api.post('/auth/mfa/totp', undefined, mine)).body.secret
    const { secret } = (await test.api.post('/auth/mfa/totp', undefined, mine)).body
    const confirm = (of: string) =>
      test.api.post('/auth/mfa/totp/confirm', { code: codeAt(of, clock.now()) }, mine)
    expect(await confirm(first)).toMatchObject(WRONG)
    expect((await confirm(secret)).status).toBe(200)
    const active = { status: 409, body: { code: 'second-factor-active' } }
    expect(await confirm(secret)).toMatchObject(active)
    expect(await test.api.post('/auth/mfa/totp', undefined, mine)).toMatchObject(active)
  })

  it('O9 an app is confirmed soon after it was begun, or by nobody', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const { secret } = (await test.api.post('/auth/mfa/totp', undefined, as(realm, user))).body
    const confirm = () =>
      test.api.post('/auth/mfa/totp/confirm', { code: codeAt(secret, clock.nextStep()) }, as(realm, user))
    // As if a thief had begun it, long ago, in a session that is not fresh any more: it would be from then on.
    await realm.change(sql`UPDATE second_factors SET created_at = now() - interval '11 minutes'
      WHERE user_id = ${user.id}`)
    expect(await confirm()).toMatchObject(WRONG)
    await realm.change(sql`UPDATE second_factors SET created_at = now() - interval '9 minutes'
      WHERE user_id = ${user.id}`)
    expect((await confirm()).status).toBe(200)
  })

  it('nothing is confirmed that was not begun', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const reply = await test.api.post('/auth/mfa/totp/confirm', { code: '123456' }, as(realm, user))
    expect(reply).toMatchObject(WRONG)
  })

  it.each(['', '12345', '1234567', '12345a', '１２３４５６', ' 123456', '12 456'])(
    'what is no code is refused as such: "%s"',
    async (code) => {
      const realm = realms[name]
      const user = await realm.register()
      const reply = await test.api.post('/auth/mfa/totp/confirm', { code }, as(realm, user))
      expect(reply).toMatchObject({ status: 422, body: { errors: [{ pointer: '/code' }] } })
    },
  )

  it('a removed app is not asked for any more, and its recovery codes are gone', async () => {
    const realm = realms[name]
    const { user, recoveryCodes } = await protect(test, realm, clock)
    const mine = as(realm, user)
    const token = await challengeFor(test, realm, user)
    expect(await test.api.delete('/auth/mfa/totp', mine)).toMatchObject({ status: 204, text: '' })
    const none = { status: 404, body: { code: 'no-second-factor' } }
    expect(await test.api.delete('/auth/mfa/totp', mine)).toMatchObject(none)
    expect(await test.api.post('/auth/mfa/recovery-codes', undefined, mine)).toMatchObject(none)
    expect(await answer(test, realm, token, { recovery_code: recoveryCodes[0] ?? '' })).toMatchObject(WRONG)
    expect((await test.api.login(user, realm.tenantId)).id).toBe(user.id)
  })

  it('new recovery codes end the old ones', async () => {
    const realm = realms[name]
    const { user, recoveryCodes } = await protect(test, realm, clock)
    const renewed = await test.api.post('/auth/mfa/recovery-codes', undefined, as(realm, user))
    expect(renewed.body.recovery_codes).toHaveLength(10)
    const token = await challengeFor(test, realm, user)
    expect(await answer(test, realm, token, { recovery_code: recoveryCodes[0] ?? '' })).toMatchObject(WRONG)
    const [code] = renewed.body.recovery_codes
    expect((await answer(test, realm, token, { recovery_code: code })).status).toBe(200)
  })

  it('secrets and recovery codes lie in the database unreadable', async () => {
    const realm = realms[name]
    const { user, secret, recoveryCodes } = await protect(test, realm, clock)
    const token = await challengeFor(test, realm, user)
    const rows = await realm.change(sql`SELECT to_jsonb(one) AS row FROM (
      SELECT to_jsonb(f) FROM second_factors f WHERE user_id = ${user.id} UNION ALL
      SELECT to_jsonb(c) FROM recovery_codes c WHERE user_id = ${user.id} UNION ALL
      SELECT to_jsonb(c) FROM second_factor_challenges c WHERE user_id = ${user.id}) one`)
    expect(rows).toHaveLength(12)
    const stored = JSON.stringify(rows)
    for (const text of [secret, token, token.slice(4), ...recoveryCodes, ...recoveryCodes.map(bare)])
      expect(stored).not.toContain(text)
  })

  it('O16 neither secrets nor codes nor tokens come into a log', async () => {
    const realm = realms[name]
    const { user, secret, recoveryCodes } = await protect(test, realm, clock)
    const token = await challengeFor(test, realm, user)
    const [recoveryCode = ''] = recoveryCodes
    await answer(test, realm, token, { code: wrongCodeAt(secret, clock.now()) })
    await answer(test, realm, token, { recovery_code: recoveryCode.replace(/.$/, '!') })
    await test.api.post('/auth/mfa/verify', { mfa_token: token, code: 'no code', tenant: recoveryCode })
    expect((await answer(test, realm, token, { recovery_code: recoveryCode })).status).toBe(200)
    const text = test.logged.map((line) => line.text).join('\n')
    for (const hidden of [secret, token, recoveryCode, bare(recoveryCode), codeAt(secret, clock.now())])
      expect(text).not.toContain(hidden)
  })

  it('the audit log has what became of a factor, and sign-ins that lacked it', async () => {
    const realm = realms[name]
    const { user, secret, recoveryCodes } = await protect(test, realm, clock)
    const token = await challengeFor(test, realm, user)
    await answer(test, realm, token, { code: wrongCodeAt(secret, clock.now()) })
    const signedIn = await answer(test, realm, token, { recovery_code: recoveryCodes[0] ?? '' })
    const mine = as(realm, { token: signedIn.body.access_token })
    await test.api.post('/auth/mfa/recovery-codes', undefined, mine)
    await test.api.delete('/auth/mfa/totp', mine)
    await test.platform.repeats.settle()
    const entries = await realm.change(sql`SELECT action, details FROM audit_log
      WHERE actor_id = ${user.id} OR target_id = ${user.id}`)
    expect(entries).toHaveLength(6)
    expect(entries).toEqual(
      expect.arrayContaining([
        { action: 'second_factor.enabled', details: { kind: 'totp' } },
        { action: 'user.login_failed', details: { attempts: 1, reason: 'second-factor' } },
        { action: 'user.logged_in', details: { method: 'password-recovery-code' } },
        { action: 'second_factor.recovery_codes_renewed', details: {} },
        { action: 'second_factor.disabled', details: { kind: 'totp' } },
      ]),
    )
  })

  it('a row moved to another user opens for nobody', async () => {
    const realm = realms[name]
    const [ann, bob] = [await protect(test, realm, clock), await protect(test, realm, clock)]
    await realm.change(sql`UPDATE second_factors SET sealed_secret =
      (SELECT sealed_secret FROM second_factors WHERE user_id = ${ann.user.id}) WHERE user_id = ${bob.user.id}`)
    clock.nextStep()
    const token = await challengeFor(test, realm, bob.user)
    const url = '/api/v1/auth/mfa/verify'
    const body = { mfa_token: token, code: codeAt(ann.secret, clock.now()) }
    const reply = await test.api.send('POST', url, body, { tenantId: realm.tenantId, faulty: true })
    expect(reply.status).toBe(500)
  })
})

describe('a linked user', () => {
  it('has the factor of the platform account, and is told so where it tries to change it', async () => {
    const owner = await test.api.register()
    const { id } = await test.api.createOrganization(owner)
    const tenant = realmOf(test, id)
    const inTenant = await test.api.login(owner, id)
    const elsewhere = { status: 409, body: { code: 'second-factor-elsewhere' } }
    const mine = as(tenant, inTenant)
    expect(await test.api.post('/auth/mfa/totp', undefined, mine)).toMatchObject(elsewhere)
    const { secret } = await protect(test, realms.core, clock, owner)
    expect(await test.api.post('/auth/mfa/totp', undefined, mine)).toMatchObject(elsewhere)
    expect(await test.api.post('/auth/mfa/totp/confirm', { code: '123456' }, mine)).toMatchObject(elsewhere)
    expect(await test.api.post('/auth/mfa/recovery-codes', undefined, mine)).toMatchObject(elsewhere)
    expect(await test.api.delete('/auth/mfa/totp', mine)).toMatchObject(elsewhere)
    expect((await test.api.get('/auth/mfa', mine)).body).toMatchObject({
      factors: [{ kind: 'totp' }],
      managed_on_platform: true,
    })

    clock.nextStep()
    const token = await challengeFor(test, tenant, owner)
    const code = codeAt(secret, clock.now())
    const reply = await answer(test, tenant, token, { code })
    expect(reply).toMatchObject({ status: 200, body: { scope: 'tenant', tenant_id: id } })
    expect(decodeJwt(reply.body.access_token)['amr']).toEqual(['pwd', 'otp'])
    expect(await tenant.isIn(reply.body.access_token)).toBe(true)
    const onPlatform = await challengeFor(test, realms.core, owner)
    expect(await answer(test, realms.core, onPlatform, { code })).toMatchObject(WRONG)
  })
})

it('a session says how its user signed in, in every token that it gets', async () => {
  const { core } = realms
  const { user, recoveryCodes } = await protect(test, core, clock)
  expect(decodeJwt(user.token)['amr']).toEqual(['pwd'])
  const token = await challengeFor(test, core, user)
  const { body } = await answer(test, core, token, { recovery_code: recoveryCodes[0] ?? '' })
  expect(decodeJwt(body.access_token)['amr']).toEqual(['pwd', 'rcv'])
  const refreshed = await core.refresh(body.refresh_token)
  expect(decodeJwt(refreshed.body.access_token)['amr']).toEqual(['pwd', 'rcv'])
  const [row] =
    await core.change(sql`SELECT amr, second_factor_at = authenticated_at AS "atOnce" FROM sessions
    WHERE id = ${sessionOf({ token: body.access_token })}`)
  expect(row).toEqual({ amr: ['pwd', 'rcv'], atOnce: true })
})

it('the one problem with two statuses is explained with both', async () => {
  const { body: kinds } = await test.api.send('GET', '/problems')
  const statuses = kinds.filter(({ code }: { code: string }) => code === 'mfa-required')
  expect(statuses.map(({ status }: { status: number }) => status)).toEqual([401, 403])
  expect((await test.api.send('GET', '/problems/mfa-required')).body.status).toBe(403)
  expect((await test.api.send('GET', '/problems/mfa-required%20401')).status).toBe(404)
})

function bare(code: string): string {
  return code.replaceAll('-', '')
}
