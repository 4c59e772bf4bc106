import { sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { softPasskey } from '../support/authenticator.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { fromElsewhere, PRODUCTION_LIMITS } from '../support/limits.ts'
import { tokenFor } from '../support/mailbox.ts'
import { addPasskey, creationOptions, signIn, signInOptions, withPasskey } from '../support/passkeys.ts'
import { REALM_NAMES, type RealmName, realmOf, sessionOf, type TestRealm } from '../support/realms.ts'
import { as } from '../support/second-factor.ts'

const REFUSED = { status: 401, body: { code: 'invalid-credentials' } }

let test: CheckedPlatform
let realms: Record<RealmName, TestRealm>
const told: { name: string; payload: object; tenantId?: string }[] = []
beforeAll(async () => {
  test = await startCheckedPlatform()
  const { id } = await test.api.createOrganization(await test.api.register())
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
  test.platform.events.on('user.logged_in', 'test', (event) => void told.push(event))
})
afterAll(() => test.close())

describe.each(REALM_NAMES)('signing in to the %s realm with a passkey', (name) => {
  it.each([
    ['ES256', false, ['hwk', 'user']],
    ['EdDSA', true, ['swk', 'user']],
  ] as const)('%s asks for nothing else, and counts as both factors', async (algorithm, isSynced, amr) => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm, undefined, { algorithm, isSynced })
    const { status, body } = await signIn(test, realm, passkey)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      user: { id: user.id, email: user.email },
      scope: name,
      token_type: 'bearer',
    })
    expect(body.tenant_id).toBe(realm.tenantId)
    expect(decodeJwt(body.access_token)).toMatchObject({ amr, sub: user.id })
    expect(await realm.isIn(body.access_token)).toBe(true)
    const [session] =
      await realm.change(sql`SELECT second_factor_at = authenticated_at AS "both" FROM sessions
      WHERE id = ${sessionOf({ token: body.access_token })}`)
    expect(session).toEqual({ both: true })
    expect((await realm.refresh(body.refresh_token)).status).toBe(200)
    // Again and again.
    expect((await signIn(test, realm, passkey)).status).toBe(200)
  })

  it('says the same to everybody, of whom nothing is known', async () => {
    const realm = realms[name]
    const { body } = await test.api.post('/auth/passkeys/options', undefined, { tenantId: realm.tenantId })
    expect(body).toEqual({
      challenge: expect.stringMatching(/^[\w-]{43}$/),
      rpId: 'localhost',
      timeout: 300_000,
      userVerification: 'required',
      allowCredentials: [],
    })
  })

  it('is told and recorded as any sign-in is', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    told.length = 0
    const { body } = await signIn(test, realm, passkey)
    await test.platform.events.settle()
    expect(told).toMatchObject([{ payload: { userId: user.id, scope: name } }])
    const entries = await realm.change(sql`SELECT target_id, details FROM audit_log
      WHERE actor_id = ${user.id} AND action = 'user.logged_in'`)
    const target_id = sessionOf({ token: body.access_token })
    expect(entries).toEqual([{ target_id, details: { method: 'passkey' } }])
  })

  it('lets no disabled user in, and records that', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    await realm.change(sql`UPDATE users SET is_active = false WHERE id = ${user.id}`)
    expect(await signIn(test, realm, passkey)).toMatchObject(REFUSED)
    await test.platform.repeats.settle()
    const entries = await realm.change(sql`SELECT outcome, details FROM audit_log
      WHERE target_id = ${user.id} AND action = 'user.login_failed'`)
    expect(entries).toEqual([{ outcome: 'failure', details: { attempts: 1, reason: 'disabled' } }])
    await realm.change(sql`UPDATE users SET is_active = true WHERE id = ${user.id}`)
    expect((await signIn(test, realm, passkey)).status).toBe(200)
  })

  it('does so after a reset of the password, which ends the sessions that there were', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(test, realm)
    const { body } = await signIn(test, realm, passkey)
    const call = { tenantId: realm.tenantId }
    await test.api.post('/auth/password/forgot', { email: user.email }, call)
    const token = await tokenFor(test, user.email, 'password-reset')
    const password = 'quite another staple battery'
    expect((await test.api.post('/auth/password/reset', { token, password }, call)).status).toBe(204)
    expect(await realm.isIn(body.access_token)).toBe(false)
    expect((await signIn(test, realm, passkey)).status).toBe(200)
    // O4: the password alone is not enough, as before.
    const login = await test.api.post('/auth/login', { email: user.email, password }, call)
    expect(login).toMatchObject({ status: 401, body: { code: 'mfa-required' } })
  })

  it('lets in nobody whose passkey was removed', async () => {
    const realm = realms[name]
    const { user, passkey, passkeyId } = await withPasskey(test, realm)
    const asked = await signInOptions(test, realm)
    const removed = await test.api.delete(`/auth/mfa/passkeys/${passkeyId}`, as(realm, user))
    expect(removed.status).toBe(204)
    const login = { response: passkey.get(asked) }
    expect(await test.api.post('/auth/passkeys/login', login, { tenantId: realm.tenantId })).toMatchObject(
      REFUSED,
    )
  })
})

describe('a linked user', () => {
  it('signs in to its organization with the passkey of the platform account', async () => {
    const owner = await test.api.register()
    const { id } = await test.api.createOrganization(owner)
    const { passkey } = await withPasskey(test, realms.core, owner)
    const tenant = realmOf(test, id)
    const { status, body } = await signIn(test, tenant, passkey)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      scope: 'tenant',
      tenant_id: id,
      user: { email: owner.email, is_owner: true },
    })
    expect(decodeJwt(body.access_token)['amr']).toEqual(['hwk', 'user'])
    expect(await tenant.isIn(body.access_token)).toBe(true)
    expect((await tenant.refresh(body.refresh_token)).status).toBe(200)
  })

  it('is not let in while either account is disabled, nor in organizations of others', async () => {
    const owner = await test.api.register()
    const { id } = await test.api.createOrganization(owner)
    const tenant = realmOf(test, id)
    const { passkey } = await withPasskey(test, realms.core, owner)
    expect(await signIn(test, realms.tenant, passkey)).toMatchObject(REFUSED)
    await realms.core.change(sql`UPDATE users SET is_active = false WHERE id = ${owner.id}`)
    expect(await signIn(test, tenant, passkey)).toMatchObject(REFUSED)
    await realms.core.change(sql`UPDATE users SET is_active = true WHERE id = ${owner.id}`)
    await tenant.change(sql`UPDATE users SET is_active = false WHERE core_user_id = ${owner.id}`)
    expect(await signIn(test, tenant, passkey)).toMatchObject(REFUSED)
    await tenant.change(sql`UPDATE users SET is_active = true WHERE core_user_id = ${owner.id}`)
    expect((await signIn(test, tenant, passkey)).status).toBe(200)
  })

  it('a passkey of its own, from before it was linked, opens nothing', async () => {
    const { tenant } = realms
    const { user, passkey } = await withPasskey(test, tenant)
    const platform = await test.api.register()
    await tenant.change(sql`UPDATE users SET core_user_id = ${platform.id}, password_hash = NULL
      WHERE id = ${user.id}`)
    expect(await signIn(test, tenant, passkey)).toMatchObject(REFUSED)
  })

  it('nobody stands before it with a passkey of the same name in the organization', async () => {
    const owner = await test.api.register()
    const { id } = await test.api.createOrganization(owner)
    const tenant = realmOf(test, id)
    const { passkey } = await withPasskey(test, realms.core, owner)
    const eve = await tenant.register()
    const copy = softPasskey({ credentialId: passkey.credentialId })
    expect((await addPasskey(test, tenant, eve, copy)).status).toBe(201)
    const { body } = await signIn(test, tenant, passkey)
    expect(body.user.email).toBe(owner.email)
    expect((await signIn(test, tenant, copy)).body.user.id).toBe(eve.id)
  })
})

it('no organization that is suspended or unknown is entered', async () => {
  const owner = await test.api.register()
  const { id } = await test.api.createOrganization(owner)
  const { passkey } = await withPasskey(test, realms.core, owner)
  const asked = await signInOptions(test, { tenantId: id })
  await realms.core.change(sql`UPDATE tenants SET status = 'suspended' WHERE id = ${id}`)
  test.platform.tenancy.invalidate(id)
  const call = { tenantId: id }
  const login = await test.api.post('/auth/passkeys/login', { response: passkey.get(asked) }, call)
  expect(login.body.code).toBe('tenant-suspended')
  const options = await test.api.post('/auth/passkeys/options', undefined, call)
  expect(options.body.code).toBe('tenant-suspended')
  const unknown = { tenantId: '0199aaaa-0000-7000-8000-000000000000' }
  expect((await test.api.post('/auth/passkeys/options', undefined, unknown)).status).toBe(404)
})

it('sessions of administrators end after a day, whatever began them', async () => {
  const { user, passkey } = await withPasskey(test, realms.core)
  await realms.core.change(sql`UPDATE users SET is_admin = true WHERE id = ${user.id}`)
  const { body } = await signIn(test, realms.core, passkey)
  const [session] =
    await realms.core.change(sql`SELECT expires_at - created_at <= interval '24 hours' AS "isShort"
    FROM sessions WHERE id = ${sessionOf({ token: body.access_token })}`)
  expect(session).toEqual({ isShort: true })
})

it('H9 sign-ins of one network with passkeys and with passwords meet one limit', async () => {
  const env = { ...PRODUCTION_LIMITS, PUBLIC_URL: 'https://app.example.com' }
  const limited = await startCheckedPlatform({ env, databaseUrl: test.databaseUrl })
  const response = softPasskey().get({ challenge: 'A'.repeat(43) }, { userHandle: 'AAAA' })
  const call = fromElsewhere()
  for (let time = 0; time < 20; time++)
    expect(await limited.api.post('/auth/passkeys/login', { response }, call)).toMatchObject(REFUSED)
  const over = { status: 429, body: { code: 'rate-limited' } }
  expect(await limited.api.post('/auth/passkeys/login', { response }, call)).toMatchObject(over)
  const { email, password } = await test.api.register()
  expect(await limited.api.post('/auth/login', { email, password }, call)).toMatchObject(over)
  await limited.close()
})

it('where there is no address for passkeys they are off, and nothing else is', async () => {
  const off = await startCheckedPlatform({
    env: { PUBLIC_URL: 'http://192.0.2.1:8000' },
    databaseUrl: test.databaseUrl,
  })
  const refusal = { status: 501, body: { code: 'passkeys-off' } }
  const send = (path: string, body?: object, token?: string) =>
    off.api.post(path, body, { token, faulty: true })
  expect(await send('/auth/passkeys/options')).toMatchObject(refusal)
  const { token } = await off.api.register()
  expect(await send('/auth/mfa/passkeys/options', undefined, token)).toMatchObject(refusal)
  const response = softPasskey().create(await creationOptions(test, realms.core, { token }))
  expect(await send('/auth/mfa/passkeys', { response }, token)).toMatchObject(refusal)
  await off.close()
})
