import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId, systemClock } from '../../src/platform/index.ts'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { fromElsewhere } from '../support/limits.ts'
import { tokenFor } from '../support/mailbox.ts'
import { REALM_NAMES, type RealmName, realmOf, type TestRealm } from '../support/realms.ts'
import { inCore } from '../support/rows.ts'
import { answer, challengeFor, codeAt, protect } from '../support/second-factor.ts'
import { type Case, expectAlike } from './support/samples.ts'

/** Wrong passwords that an account takes before it delays anybody, in any environment. */
const EACH = 4

let test: CheckedPlatform
let realms: Record<RealmName, TestRealm>
beforeAll(async () => {
  test = await startCheckedPlatform({
    env: { RATE_LIMITS: 'on', SPARE_DATABASES: '0', TRUSTED_PROXIES: '127.0.0.1', TENANT_CONNECTIONS: '8' },
  })
  const owner = await test.api.register()
  const { id } = await test.api.createOrganization(owner)
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
})
afterAll(() => test.close())

const wrong = 'not the password at all'
const strange = () => `${unique('x')}@example.com`

/** Asks and expects a status. */
function post(path: string, body: object, tenantId: string | undefined, status: number) {
  const call = { ...fromElsewhere(), tenantId }
  return async () => expect((await test.api.post(path, body, call)).status).toBe(status)
}

/** People of whom each is used a few times, one after another. */
async function people(realm: TestRealm, count = 4): Promise<() => SignedInUser> {
  const made: SignedInUser[] = []
  for (let index = 0; index < count; index++) made.push(await realm.register())
  let turn = 0
  return () => made[turn++ % made.length] as SignedInUser
}

/** A case of a sign-in; what was counted against accounts is forgotten before, unless it is locked. */
function signIn(name: string, realm: TestRealm, who: () => { email: string; password: string }): Case {
  let used = 0
  return {
    name,
    prepare: async () => {
      if (++used % EACH === 0) await inCore(test.platform, sql`DELETE FROM throttles`)
      const { email, password } = who()
      return post('/auth/login', { email, password }, realm.tenantId, 401)
    },
  }
}

describe.each(REALM_NAMES)('in the %s realm', (name) => {
  it('F2 a refused sign-in takes as long, whatever the reason', async () => {
    const realm = realms[name]
    const [known, disabled, unlocked] = [await people(realm), await people(realm), await people(realm)]
    for (let index = 0; index < 4; index++) {
      await realm.change(sql`UPDATE users SET is_active = false WHERE id = ${disabled().id}`)
      await lockAndUnlock(realm, unlocked())
    }
    await expectAlike(`F2 sign-in, ${name}`, [
      signIn('an unknown e-mail', realm, () => ({ email: strange(), password: PASSWORD })),
      signIn('a wrong password', realm, () => ({ ...known(), password: wrong })),
      signIn('a disabled account', realm, disabled),
      signIn('a disabled account, wrong password', realm, () => ({ ...disabled(), password: wrong })),
      signIn('an account that was locked', realm, () => ({ ...unlocked(), password: wrong })),
      signIn('an unknown e-mail again', realm, () => ({ email: strange(), password: PASSWORD })),
    ])
  })

  it('F2 a locked account answers as fast as a locked address that nobody has', async () => {
    const realm = realms[name]
    const known = await people(realm, 1)
    const locked = (email: string): Case => ({
      name: email,
      prepare: async () => post('/auth/login', { email, password: wrong }, realm.tenantId, 429),
    })
    const [real, made] = [known().email, strange()]
    await inCore(test.platform, sql`DELETE FROM throttles`)
    for (const email of [real, made])
      await post('/auth/login', { email, password: wrong }, realm.tenantId, 401)()
    await inCore(
      test.platform,
      sql`UPDATE throttles SET blocked_until = now() + interval '1 hour', expires_at = now() + interval '1 hour', count = 1000
        WHERE last_attempt IS NOT NULL`,
    )
    await expectAlike(`F2 locked, ${name}`, [
      { ...locked(made), name: 'an address that nobody has' },
      { ...locked(real), name: 'an account' },
    ])
  })

  it('F3 a link is asked for as fast for an unknown address', async () => {
    const realm = realms[name]
    const known = await people(realm)
    const forgot = (title: string, email: () => string): Case => ({
      name: title,
      prepare: async () => {
        // What was asked for before must not run beside the next one.
        await test.platform.mailer.settle()
        return post('/auth/password/forgot', { email: email() }, realm.tenantId, 202)
      },
    })
    await expectAlike(`F3 forgot, ${name}`, [
      forgot('an unknown address', strange),
      forgot('a known address', () => known().email),
    ])
  })

  it('F6 a link that never was is refused as fast as one that was used or is over', async () => {
    const realm = realms[name]
    const link = (title: string, token: () => string): Case => ({
      name: title,
      prepare: async () => post('/auth/email/verify', { token: token() }, realm.tenantId, 400),
    })
    const person = (await people(realm, 1))()
    const token = await verificationToken(person.email)
    await post('/auth/email/verify', { token }, realm.tenantId, 204)()
    await expectAlike(`F6 links, ${name}`, [
      link('one that never was', () => `tro_${newId().replaceAll('-', '').padEnd(43, 'x')}`),
      link('one that was used', () => token),
    ])
  })

  it('O8 a challenge that never was is refused as fast as one that was used up', async () => {
    const realm = realms[name]
    const clock = systemClock
    const { user, secret } = await protect(test, realm, clock, (await people(realm, 1))())
    await realm.change(sql`UPDATE second_factors SET last_step = NULL WHERE user_id = ${user.id}`)
    const used = await challengeFor(test, realm, user)
    expect((await answer(test, realm, used, { code: codeAt(secret, clock.now()) })).status).toBe(200)
    const challenge = (title: string, token: () => string): Case => ({
      name: title,
      prepare: async () => {
        const body = { mfa_token: token(), code: '000000' }
        return post('/auth/mfa/verify', body, realm.tenantId, 401)
      },
    })
    await expectAlike(`O8 challenges, ${name}`, [
      challenge('one that never was', () => `trm_${newId().replaceAll('-', '').padEnd(43, 'x')}`),
      challenge('one that was used', () => used),
    ])
  })
})

it.each(['login', 'register'])(
  'F7 %s in a tenant that nobody has is refused as fast as in a spare',
  async (action) => {
    const [unknown, spare] = [newId(), newId()]
    await inCore(
      test.platform,
      sql`INSERT INTO tenants (id, database_name, status, server_id)
        SELECT ${spare}, ${`tenant_${spare.replaceAll('-', '')}`}, 'spare', server_id FROM tenants LIMIT 1`,
    )
    const body = () => ({ email: strange(), password: PASSWORD })
    const enter = (title: string, tenantId: () => string): Case => ({
      name: title,
      prepare: async () => post(`/auth/${action}`, body(), tenantId(), 404),
    })
    await expectAlike(`F7 ${action}`, [
      enter('a tenant that nobody has', () => unknown),
      enter('a spare', () => spare),
    ])
  },
)

async function lockAndUnlock(realm: TestRealm, { email }: SignedInUser): Promise<void> {
  await post('/auth/login', { email, password: wrong }, realm.tenantId, 401)()
  await inCore(
    test.platform,
    sql`UPDATE throttles SET count = 1000, blocked_until = now() + interval '1 hour'`,
  )
  await inCore(test.platform, sql`DELETE FROM throttles`)
}

async function verificationToken(email: string): Promise<string> {
  return await tokenFor(test, email, 'email-verification')
}
