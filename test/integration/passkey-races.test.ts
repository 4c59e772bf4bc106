import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { atOnce } from '../support/at-once.ts'
import { type Asked, softPasskey } from '../support/authenticator.ts'
import { creationOptions, sendSignIn, signInOptions, withPasskey } from '../support/passkeys.ts'
import { REALM_NAMES, type RealmName, realmOf, type TestRealm } from '../support/realms.ts'
import { answer, as, challengeFor, codeAt } from '../support/second-factor.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const CROWD = 16
/** More than an account has passkeys. Each waits for the others, with a connection in its hands. */
const ADDING = 12

let both: TwoProcesses
let realms: Record<RealmName, TestRealm>
beforeAll(async () => {
  both = await startTwoProcesses()
  const { id } = await both.one.api.createOrganization(await both.one.api.register())
  realms = { core: realmOf(both.one), tenant: realmOf(both.one, id) }
})
afterAll(() => both.close())

const apiOf = (caller: number) => ({ api: both.apiOf(caller) })

/** How many of them were answered so. */
const countOf = (replies: readonly { status: number }[], wanted: number) =>
  replies.filter(({ status }) => status === wanted).length

describe.each(REALM_NAMES)('in the %s realm, by two processes at once', (name) => {
  it('H8 one challenge lets one of many sign-ins in', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(both.one, realm, undefined, { isSynced: true })
    const signed = passkey.get(await signInOptions(both.one, realm))
    const replies = await atOnce(CROWD, (caller) => sendSignIn(apiOf(caller), realm, signed))
    expect([countOf(replies, 200), countOf(replies, 401)]).toEqual([1, CROWD - 1])
    expect(await realm.change(sql`SELECT FROM sessions WHERE user_id = ${user.id}`)).toHaveLength(2)
  })

  it('one count of an authenticator lets one of many sign-ins in, whatever their challenges', async () => {
    const realm = realms[name]
    const { passkey } = await withPasskey(both.one, realm)
    const asked: Asked[] = []
    for (let count = 0; count < CROWD; count++) asked.push(await signInOptions(both.one, realm))
    const signed = asked.map((one) => passkey.get(one, { counter: 7 }))
    const replies = await atOnce(CROWD, (caller) => sendSignIn(apiOf(caller), realm, signed[caller] ?? {}))
    expect([countOf(replies, 200), countOf(replies, 401)]).toEqual([1, CROWD - 1])
  })

  it('H8 one challenge makes one passkey', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const asked = await creationOptions(both.one, realm, user)
    const replies = await atOnce(CROWD, (caller) =>
      both
        .apiOf(caller)
        .post('/auth/mfa/passkeys', { response: softPasskey().create(asked) }, as(realm, user)),
    )
    expect([countOf(replies, 201), countOf(replies, 401)]).toEqual([1, CROWD - 1])
  })

  it('O8 one answer after the password ends one sign-in, and makes one step-up', async () => {
    const realm = realms[name]
    const { user, passkey } = await withPasskey(both.one, realm, undefined, { isSynced: true })
    const token = await challengeFor(both.one, realm, user)
    const call = { tenantId: realm.tenantId }
    const options = await both.one.api.post('/auth/mfa/verify/options', { mfa_token: token }, call)
    const proof = { passkey: passkey.get(options.body) }
    const answers = await atOnce(5, (caller) => answer(apiOf(caller), realm, token, proof))
    expect(countOf(answers, 200)).toBe(1)
    const asked = await both.one.api.post('/auth/step-up/options', undefined, as(realm, user))
    const stepUp = { passkey: passkey.get(asked.body) }
    const proofs = await atOnce(CROWD, (caller) =>
      both.apiOf(caller).post('/auth/step-up', stepUp, as(realm, user)),
    )
    expect(countOf(proofs, 204)).toBe(1)
  })

  it('of those who add one at once ten get in, and one set of recovery codes is good', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const made: object[] = []
    for (let count = 0; count < ADDING; count++)
      made.push(softPasskey().create(await creationOptions(both.one, realm, user)))
    const replies = await atOnce(ADDING, (caller) =>
      both.apiOf(caller).post('/auth/mfa/passkeys', { response: made[caller] }, as(realm, user)),
    )
    expect([countOf(replies, 201), countOf(replies, 409)]).toEqual([10, ADDING - 10])
    const told = replies.filter(({ body }) => 'recovery_codes' in body)
    expect(told).toHaveLength(1)
    expect(await realm.change(sql`SELECT FROM recovery_codes WHERE user_id = ${user.id}`)).toHaveLength(10)
  })

  it('an app that is confirmed at that moment leaves one set of recovery codes, too', async () => {
    const realm = realms[name]
    for (let round = 0; round < 5; round++) {
      const user = await realm.register()
      const mine = as(realm, user)
      const { body } = await both.one.api.post('/auth/mfa/totp', undefined, mine)
      const code = codeAt(body.secret, new Date())
      const response = softPasskey().create(await creationOptions(both.one, realm, user))
      const [app, passkey] = await atOnce(2, (caller) =>
        caller === 0
          ? both.one.api.post('/auth/mfa/totp/confirm', { code }, mine)
          : both.other.api.post('/auth/mfa/passkeys', { response }, mine),
      )
      expect([app?.status, passkey?.status]).toEqual([200, 201])
      expect(await realm.change(sql`SELECT FROM recovery_codes WHERE user_id = ${user.id}`)).toHaveLength(10)
    }
  })
})
