import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/platform/index.ts'
import { atOnce } from '../support/at-once.ts'
import { REALM_NAMES, type RealmName, realmOf, type TestRealm } from '../support/realms.ts'
import {
  answer,
  as,
  challengeFor,
  codeAt,
  type Protected,
  protect,
  wrongCodeAt,
} from '../support/second-factor.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const CROWD = 16

let both: TwoProcesses
let realms: Record<RealmName, TestRealm>
beforeAll(async () => {
  both = await startTwoProcesses()
  const { id } = await both.one.api.createOrganization(await both.one.api.register())
  realms = { core: realmOf(both.one), tenant: realmOf(both.one, id) }
})
afterAll(() => both.close())

/** Somebody with an app of which no code was used, so that the one of this moment is good. */
async function unused(realm: TestRealm): Promise<Protected> {
  const person = await protect(both.one, realm, systemClock)
  await realm.change(sql`UPDATE second_factors SET last_step = NULL WHERE user_id = ${person.user.id}`)
  return person
}

/** So many tries that their limit does not decide. */
async function giveTries(realm: TestRealm, { user }: Protected): Promise<void> {
  await realm.change(sql`INSERT INTO proof_tries (user_id, tries, window_ends_at)
    VALUES (${user.id}, -100, now() + interval '1 hour')`)
}

const apiOf = (caller: number) => ({ api: both.apiOf(caller) })

/** How many sessions somebody has besides the one of the registration. */
async function newSessions(realm: TestRealm, { user }: Protected): Promise<number> {
  return (await realm.change(sql`SELECT FROM sessions WHERE user_id = ${user.id}`)).length - 1
}

const countOf = (statuses: readonly number[], wanted: number) =>
  statuses.filter((status) => status === wanted).length

describe.each(REALM_NAMES)('in the %s realm, by two processes at once', (name) => {
  it.each(['one step', 'one recovery code'])('H8 %s lets one of many sign-ins in', async (what) => {
    const realm = realms[name]
    const person = await unused(realm)
    const challenges: string[] = []
    await giveTries(realm, person)
    for (let count = 0; count < CROWD; count++)
      challenges.push(await challengeFor(both.one, realm, person.user))
    const proof =
      what === 'one step'
        ? { code: codeAt(person.secret, new Date()) }
        : { recovery_code: person.recoveryCodes[0] ?? '' }
    const replies = await atOnce(challenges.length, (caller) =>
      answer(apiOf(caller), realm, challenges[caller] ?? '', proof),
    )
    expect(
      countOf(
        replies.map(({ status }) => status),
        200,
      ),
    ).toBe(1)
    expect(await newSessions(realm, person)).toBe(1)
  })

  it('H8 one step lets one of many step-ups through', async () => {
    const realm = realms[name]
    const person = await unused(realm)
    await giveTries(realm, person)
    const code = codeAt(person.secret, new Date())
    const replies = await atOnce(CROWD, (caller) =>
      both.apiOf(caller).post('/auth/step-up', { code }, as(realm, person.user)),
    )
    expect(
      countOf(
        replies.map(({ status }) => status),
        204,
      ),
    ).toBe(1)
  })

  it('H8 one code confirms an app once', async () => {
    const realm = realms[name]
    const user = await realm.register()
    const { body } = await both.one.api.post('/auth/mfa/totp', undefined, as(realm, user))
    const code = codeAt(body.secret, new Date())
    const replies = await atOnce(CROWD, (caller) =>
      both.apiOf(caller).post('/auth/mfa/totp/confirm', { code }, as(realm, user)),
    )
    expect(
      countOf(
        replies.map(({ status }) => status),
        200,
      ),
    ).toBe(1)
    expect(await realm.change(sql`SELECT FROM recovery_codes WHERE user_id = ${user.id}`)).toHaveLength(10)
  })

  it('H9 of fifty wrong codes for a challenge five are looked at', async () => {
    const realm = realms[name]
    const person = await unused(realm)
    const token = await challengeFor(both.one, realm, person.user)
    const code = wrongCodeAt(person.secret, new Date())
    const replies = await atOnce(50, (caller) => answer(apiOf(caller), realm, token, { code }))
    const codes = replies.map(({ body }) => body.code)
    expect(codes.filter((one) => one === 'invalid-credentials')).toHaveLength(5)
    expect(codes.filter((one) => one === 'invalid-token')).toHaveLength(45)
    const right = { code: codeAt(person.secret, new Date()) }
    expect((await answer(both.one, realm, token, right)).status).toBe(401)
  })

  it('H9 of fifty wrong codes for step-ups ten are looked at', async () => {
    const realm = realms[name]
    const person = await unused(realm)
    const code = wrongCodeAt(person.secret, new Date())
    const replies = await atOnce(50, (caller) =>
      both.apiOf(caller).post('/auth/step-up', { code }, as(realm, person.user)),
    )
    const statuses = replies.map(({ status }) => status)
    expect(countOf(statuses, 401)).toBe(10)
    expect(countOf(statuses, 429)).toBe(40)
  })

  it('O8 one challenge makes one session, with whatever proofs', async () => {
    const realm = realms[name]
    const person = await unused(realm)
    const token = await challengeFor(both.one, realm, person.user)
    const replies = await atOnce(5, (caller) =>
      answer(apiOf(caller), realm, token, { recovery_code: person.recoveryCodes[caller] ?? '' }),
    )
    const statuses = replies.map(({ status }) => status)
    expect(countOf(statuses, 200)).toBe(1)
    expect(countOf(statuses, 401)).toBe(4)
    expect(await newSessions(realm, person)).toBe(1)
  })

  it('of new recovery codes that are made at once one set is good', async () => {
    const realm = realms[name]
    const { user } = await unused(realm)
    const replies = await atOnce(4, (caller) =>
      both.apiOf(caller).post('/auth/mfa/recovery-codes', undefined, as(realm, user)),
    )
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([200]))
    expect(await realm.change(sql`SELECT FROM recovery_codes WHERE user_id = ${user.id}`)).toHaveLength(10)
  })
})
