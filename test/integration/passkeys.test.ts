import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { softPasskey } from '../support/authenticator.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { addPasskey, creationOptions, signIn, withPasskey } from '../support/passkeys.ts'
import { REALM_NAMES, type RealmName, realmOf, sessionOf, type TestRealm } from '../support/realms.ts'
import { as, createTestClock, protect } from '../support/second-factor.ts'
import { ID, TIME } from '../support/shapes.ts'

const clock = createTestClock()
let test: CheckedPlatform
let realms: Record<RealmName, TestRealm>
const told: { name: string; payload: object; tenantId?: string }[] = []
beforeAll(async () => {
  test = await startCheckedPlatform({ clock })
  const { id } = await test.api.createOrganization(await test.api.register())
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
  for (const name of ['second_factor.enabled', 'second_factor.disabled'] as const)
    test.platform.events.on(name, 'test', (event) => void told.push(event))
})
afterAll(() => test.close())

describe.each(REALM_NAMES)('in the %s realm', (name) => {
  it('an authenticator is asked for a passkey that is found without an address', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    expect(await creationOptions(test, realm, user)).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      rp: { id: 'localhost', name: 'Tenantry' },
      user: {
        id: Buffer.from(user.id.replaceAll('-', ''), 'hex').toString('base64url'),
        name: user.email,
        displayName: user.email,
      },
      pubKeyCredParams: [-8, -7, -257].map((alg) => ({ alg, type: 'public-key' })),
      timeout: 300_000,
      attestation: 'none',
      excludeCredentials: [
        { id: passkey.credentialId, type: 'public-key', transports: ['hybrid', 'internal'] },
      ],
      authenticatorSelection: {
        residentKey: 'required',
        requireResidentKey: true,
        userVerification: 'required',
      },
      extensions: { credProps: true },
    })
  })

  it('challenges lie there as hashes, and go with their use', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const asked = await creationOptions(test, realm, user)
    const rows = await realm.change<{ hash: string }>(sql`SELECT * FROM passkey_challenges`)
    expect(rows.length).toBeGreaterThan(0)
    expect(JSON.stringify(rows)).not.toContain(asked.challenge)
    const body = { response: softPasskey().create(asked) }
    expect((await test.api.post('/auth/mfa/passkeys', body, as(realm, user))).status).toBe(201)
    expect(await realm.change(sql`SELECT FROM passkey_challenges`)).toHaveLength(rows.length - 1)
  })

  it('those that are over are deleted when others are made', async () => {
    const realm = realms[name]
    await realm.change(sql`INSERT INTO passkey_challenges (hash, expires_at)
      SELECT 'old ' || number, now() - interval '1 second' FROM generate_series(1, 15) AS number`)
    const left = async () =>
      (await realm.change(sql`SELECT FROM passkey_challenges WHERE hash LIKE 'old %'`)).length
    await test.api.post('/auth/passkeys/options', undefined, { tenantId: realm.tenantId })
    expect(await left()).toBe(5)
    await test.api.post('/auth/passkeys/options', undefined, { tenantId: realm.tenantId })
    expect(await left()).toBe(0)
  })

  it('the first factor brings recovery codes, another one none while there are some', async () => {
    const realm = realms[name]
    const user = await realm.register()
    told.length = 0
    const first = await addPasskey(test, realm, user, softPasskey(), { name: 'Laptop' })
    expect(first).toMatchObject({ status: 201, body: { recovery_codes: { length: 10 } } })
    expect(first.body).toEqual({
      id: expect.stringMatching(ID),
      name: 'Laptop',
      created_at: expect.stringMatching(TIME),
      last_used_at: null,
      is_backed_up: false,
      transports: ['hybrid', 'internal'],
      recovery_codes: expect.anything(),
    })
    const second = await addPasskey(test, realm, user, softPasskey({ isSynced: true, algorithm: 'EdDSA' }))
    expect(second).toMatchObject({ status: 201, body: { name: 'Unknown device', is_backed_up: true } })
    expect(second.body).not.toHaveProperty('recovery_codes')
    await realm.change(sql`UPDATE recovery_codes SET used_at = now() WHERE user_id = ${user.id}`)
    const third = await addPasskey(test, realm, user, softPasskey())
    expect(third.body.recovery_codes).toHaveLength(10)
    await test.platform.events.settle()
    expect(told.map(({ name: event, payload, tenantId }) => ({ event, payload, tenantId }))).toEqual(
      Array.from({ length: 3 }, () => ({
        event: 'second_factor.enabled',
        payload: { userId: user.id, scope: name },
        tenantId: realm.tenantId,
      })),
    )
  })

  it('is listed with the other factors, with its last use', async () => {
    const realm = realms[name]
    const { user, passkey, passkeyId } = await withPasskey(test, realm)
    await protect(test, realm, clock, user)
    await signIn(test, realm, passkey)
    const { body } = await test.api.get('/auth/mfa', as(realm, user))
    expect(body).toMatchObject({
      factors: expect.arrayContaining([
        { kind: 'passkey', confirmed_at: expect.stringMatching(TIME) },
        { kind: 'totp', confirmed_at: expect.stringMatching(TIME) },
      ]),
      passkeys: [{ id: passkeyId, last_used_at: expect.stringMatching(TIME), is_backed_up: false }],
      recovery_codes_left: 10,
      managed_on_platform: false,
    })
  })

  it('O9 to add and to remove one wants a session of the last ten minutes', async () => {
    const realm = realms[name]
    const { user, passkeyId } = await withPasskey(test, realm)
    await realm.change(sql`UPDATE sessions SET authenticated_at = now() - interval '601 seconds'
      WHERE id = ${sessionOf(user)}`)
    const stale = { status: 403, body: { code: 'step-up-required' } }
    const mine = as(realm, user)
    expect(await test.api.post('/auth/mfa/passkeys/options', undefined, mine)).toMatchObject(stale)
    expect(await test.api.delete(`/auth/mfa/passkeys/${passkeyId}`, mine)).toMatchObject(stale)
    const renamed = await test.api.patch(`/auth/mfa/passkeys/${passkeyId}`, { name: 'Old one' }, mine)
    expect(renamed.status).toBe(204)
    expect((await test.api.get('/auth/mfa', mine)).body.passkeys).toMatchObject([{ name: 'Old one' }])
  })

  it('a session that adds one has shown it', async () => {
    const realm = realms[name]
    const { user } = await withPasskey(test, realm)
    const [session] = await realm.change(sql`SELECT amr, second_factor_at IS NOT NULL AS "hasShown"
      FROM sessions WHERE id = ${sessionOf(user)}`)
    expect(session).toEqual({ amr: ['pwd', 'hwk', 'user'], hasShown: true })
  })

  it('recovery codes go with the last factor, whichever that is', async () => {
    const realm = realms[name]
    const { user, passkeyId } = await withPasskey(test, realm)
    await protect(test, realm, clock, user)
    const mine = as(realm, user)
    const codes = () => realm.change(sql`SELECT FROM recovery_codes WHERE user_id = ${user.id}`)
    const shown = () =>
      realm.change(sql`SELECT FROM sessions
      WHERE user_id = ${user.id} AND second_factor_at IS NOT NULL`)
    expect((await test.api.delete('/auth/mfa/totp', mine)).status).toBe(204)
    expect(await codes()).toHaveLength(10)
    expect(await shown()).toHaveLength(1)
    expect((await test.api.delete(`/auth/mfa/passkeys/${passkeyId}`, mine)).status).toBe(204)
    expect(await codes()).toEqual([])
    expect(await shown()).toEqual([])
    expect((await test.api.login(user, realm.tenantId)).id).toBe(user.id)
    const entries = await realm.change(sql`SELECT action, details FROM audit_log
      WHERE actor_id = ${user.id} AND action LIKE 'second_factor.%' ORDER BY id`)
    expect(entries).toEqual([
      { action: 'second_factor.enabled', details: { kind: 'passkey' } },
      { action: 'second_factor.enabled', details: { kind: 'totp' } },
      { action: 'second_factor.disabled', details: { kind: 'totp' } },
      { action: 'second_factor.disabled', details: { kind: 'passkey' } },
    ])
  })

  it('nobody names or removes another one’s, nor what is none', async () => {
    const realm = realms[name]
    const [ann, bob] = [await withPasskey(test, realm), await withPasskey(test, realm)]
    await protect(test, realm, clock, bob.user)
    const [totp] = await realm.change<{ id: string }>(sql`SELECT id FROM second_factors
      WHERE user_id = ${bob.user.id} AND kind = 'totp'`)
    const missing = { status: 404, body: { code: 'not-found' } }
    for (const id of [ann.passkeyId, totp?.id, newId()]) {
      const mine = as(realm, bob.user)
      expect(await test.api.patch(`/auth/mfa/passkeys/${id}`, { name: 'Mine' }, mine)).toMatchObject(missing)
      expect(await test.api.delete(`/auth/mfa/passkeys/${id}`, mine)).toMatchObject(missing)
    }
    expect((await signIn(test, realm, ann.passkey)).status).toBe(200)
  })

  it('nobody has more than ten', async () => {
    const realm = realms[name]
    const { user } = await withPasskey(test, realm)
    const asked = await creationOptions(test, realm, user)
    for (let time = 1; time < 10; time++)
      expect((await addPasskey(test, realm, user, softPasskey())).status).toBe(201)
    const full = { status: 409, body: { code: 'too-many-passkeys' } }
    const mine = as(realm, user)
    expect(await test.api.post('/auth/mfa/passkeys/options', undefined, mine)).toMatchObject(full)
    const response = softPasskey().create(asked)
    expect(await test.api.post('/auth/mfa/passkeys', { response }, mine)).toMatchObject(full)
  })

  it.each(['', ' ', 'x'.repeat(65), 7, null])('refuses the name %j', async (wrong) => {
    const realm = realms[name]
    const { user, passkeyId } = await withPasskey(test, realm)
    const renamed = await test.api.patch(`/auth/mfa/passkeys/${passkeyId}`, { name: wrong }, as(realm, user))
    expect(renamed).toMatchObject({ status: 422 })
  })
})

it('a linked user’s are those of the platform account, and changed there', async () => {
  const owner = await test.api.register()
  const { id } = await test.api.createOrganization(owner)
  const { passkeyId } = await withPasskey(test, realms.core, owner)
  const mine = as({ tenantId: id }, await test.api.login(await test.api.register({ tenantId: id }), id))
  expect((await test.api.get('/auth/mfa', mine)).body.passkeys).toEqual([])
  const { body } = await test.api.post(`/organizations/${id}/token`, {}, { token: owner.token })
  const linked = { token: body.access_token, tenantId: id }
  expect((await test.api.get('/auth/mfa', linked)).body).toMatchObject({
    passkeys: [{ id: passkeyId }],
    managed_on_platform: true,
  })
  const elsewhere = { status: 409, body: { code: 'second-factor-elsewhere' } }
  const path = '/auth/mfa/passkeys'
  expect(await test.api.post(`${path}/options`, undefined, linked)).toMatchObject(elsewhere)
  const response = softPasskey().create(await creationOptions(test, realms.core, owner))
  expect(await test.api.post(path, { response }, linked)).toMatchObject(elsewhere)
  expect(await test.api.patch(`${path}/${passkeyId}`, { name: 'Other' }, linked)).toMatchObject(elsewhere)
  expect(await test.api.delete(`${path}/${passkeyId}`, linked)).toMatchObject(elsewhere)
})
