import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiReply } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { fromElsewhere } from '../support/limits.ts'
import { REALM_NAMES, type RealmName, realmOf, type TestRealm } from '../support/realms.ts'
import { inCore } from '../support/rows.ts'
import { codeAt, createTestClock, type Protected, protect, wrongCodeAt } from '../support/second-factor.ts'

const clock = createTestClock()
let test: CheckedPlatform
let realms: Record<RealmName, TestRealm>
beforeAll(async () => {
  const env = { RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.1' }
  test = await startCheckedPlatform({ clock, env })
  const { id } = await test.api.createOrganization(await test.api.register())
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
})
afterAll(() => test.close())

/** A step-up as from another network, in a window of its own: what is left is what counts over windows. */
async function stepUp(realm: TestRealm, { user }: Protected, proof: object): Promise<ApiReply> {
  await realm.change(sql`DELETE FROM proof_tries`)
  const call = { ...fromElsewhere(), token: user.token, tenantId: realm.tenantId }
  return await test.api.post('/auth/step-up', proof, call)
}

/** Fails once, and then makes it as if that had been the hundredth time, or the thousandth outside production. */
async function lock(realm: TestRealm, somebody: Protected): Promise<void> {
  expect((await stepUp(realm, somebody, { code: wrongCodeAt(somebody.secret, clock.now()) })).status).toBe(
    401,
  )
  await inCore(
    test.platform,
    sql`UPDATE throttles SET count = 1000, blocked_until = now() + interval '1 hour', expires_at = now() + interval '1 hour'
      WHERE last_attempt IS NOT NULL`,
  )
}

const LOCKED = { status: 429, body: { code: 'rate-limited' } }

describe.each(REALM_NAMES)('F1 wrong codes in the %s realm', (name) => {
  it('delay and lock over all windows, at step-ups and sign-ins alike, until a recovery code is shown', async () => {
    const realm = realms[name]
    const somebody = await protect(test, realm, clock)
    await lock(realm, somebody)
    const code = () => ({ code: codeAt(somebody.secret, clock.nextStep()) })
    const refused = await stepUp(realm, somebody, code())
    expect(refused).toMatchObject(LOCKED)
    expect(refused.headers['ratelimit-policy']).toMatch(/^"account"/)
    const { email, password } = somebody.user
    const call = { ...fromElsewhere(), tenantId: realm.tenantId }
    const { body } = await test.api.post('/auth/login', { email, password }, call)
    const answer = { mfa_token: body.mfa_token, ...code() }
    expect(await test.api.post('/auth/mfa/verify', answer, call)).toMatchObject(LOCKED)
    const [recoveryCode] = somebody.recoveryCodes
    expect((await stepUp(realm, somebody, { recovery_code: 'aaaaa-aaaaa-aaaaa-a' })).status).not.toBe(204)
    expect(await stepUp(realm, somebody, code())).toMatchObject(LOCKED)
    expect((await stepUp(realm, somebody, { recovery_code: recoveryCode })).status).toBe(204)
    expect((await stepUp(realm, somebody, code())).status).toBe(204)
  })
})

it('F1 wrong codes of one lock nobody else, nor a password', async () => {
  const realm = realms.tenant
  const [one, two] = [await protect(test, realm, clock), await protect(test, realm, clock)]
  await lock(realm, one)
  expect((await stepUp(realm, two, { code: codeAt(two.secret, clock.nextStep()) })).status).toBe(204)
  const { email, password } = one.user
  const call = { ...fromElsewhere(), tenantId: realm.tenantId }
  const reply = await test.api.post('/auth/login', { email, password }, call)
  expect(reply).toMatchObject({ status: 401, body: { code: 'mfa-required' } })
})
