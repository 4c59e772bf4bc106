import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { withPasskey } from '../support/passkeys.ts'
import { REALM_NAMES, type RealmName, realmOf, type TestRealm } from '../support/realms.ts'
import { answer, as, challengeFor, codeAt, createTestClock, protect } from '../support/second-factor.ts'

const NEW_PASSWORD = 'a brand new pass phrase'

const clock = createTestClock()
let test: CheckedPlatform
let tenantId: string
let realms: Record<RealmName, TestRealm>
beforeAll(async () => {
  test = await startCheckedPlatform({ clock })
  tenantId = (await test.api.createOrganization(await test.api.register())).id
  realms = { core: realmOf(test), tenant: realmOf(test, tenantId) }
})
afterAll(() => test.close())

/** What was recorded of somebody, oldest first. */
async function recorded(realm: TestRealm, userId: string, action: string) {
  await test.platform.repeats.settle()
  return await realm.change(sql`SELECT outcome, target_kind, target_id, details FROM audit_log
    WHERE actor_id = ${userId} AND action = ${action} ORDER BY id`)
}

const failed = (userId: string, purpose: string) => ({
  outcome: 'failure',
  target_kind: 'user',
  target_id: userId,
  details: { attempts: 1, purpose },
})

describe.each(REALM_NAMES)('the audit log of the %s realm', (name) => {
  it('says by which method somebody signed in', async () => {
    const realm = realms[name]
    const { user, secret, recoveryCodes } = await protect(test, realm, clock)
    const { passkey } = await withPasskey(test, realm, user)
    const proofs = [
      { code: codeAt(secret, clock.nextStep()) },
      { recovery_code: recoveryCodes[0] ?? '' },
      'passkey',
    ] as const
    for (const proof of proofs) {
      const token = await challengeFor(test, realm, user)
      const call = { tenantId: realm.tenantId }
      const asked = await test.api.post('/auth/mfa/verify/options', { mfa_token: token }, call)
      const shown = proof === 'passkey' ? { passkey: passkey.get(asked.body) } : proof
      expect((await answer(test, realm, token, shown)).status).toBe(200)
    }
    expect(await recorded(realm, user.id, 'user.logged_in')).toMatchObject([
      { details: { method: 'password-otp' } },
      { details: { method: 'password-recovery-code' } },
      { details: { method: 'password-passkey' } },
    ])
  })

  it('has wrong current passwords, once for a few, and no right one', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const change = (current: string) =>
      test.api.put(
        '/auth/password',
        { current_password: current, new_password: NEW_PASSWORD },
        as(realm, user),
      )
    const email = (current: string) =>
      test.api.post(
        '/auth/email/change',
        { email: 'new@example.com', current_password: current },
        as(realm, user),
      )
    for (const ask of [change, email, change]) expect((await ask('not it')).status).toBe(401)
    expect((await email(user.password)).status).toBe(202)
    expect((await change(user.password)).status).toBe(204)
    const entries = await recorded(realm, user.id, 'user.proof_failed')
    expect(entries).toHaveLength(2)
    for (const purpose of ['password-change', 'email-change'])
      expect(entries).toContainEqual(failed(user.id, purpose))
  })

  it('has that a passkey was renamed, and neither name', async () => {
    const realm = realms[name]
    const { user, passkeyId } = await withPasskey(test, realm)
    const rename = (id: string) =>
      test.api.patch(`/auth/mfa/passkeys/${id}`, { name: 'Old one' }, as(realm, user))
    expect((await rename(passkeyId)).status).toBe(204)
    expect((await rename(newId())).status).toBe(404)
    expect(await recorded(realm, user.id, 'passkey.renamed')).toEqual([
      { outcome: 'success', target_kind: 'passkey', target_id: passkeyId, details: {} },
    ])
  })
})
