import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createAccessTokens,
  createAuthService,
  createPasswordHasher,
  createSessions,
} from '../../src/auth/index.ts'
import { createSecretBox, silentLogger, systemClock } from '../../src/platform/index.ts'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { TEST_SECRET } from '../support/platform.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

/** An answer without what differs from one request to the next. */
function comparable({ status, headers, text }: ApiReply): string {
  const id = headers['x-request-id'] ?? ''
  return JSON.stringify({ status, headers: { ...headers, date: '' }, text }).replaceAll(id, 'ID')
}

async function disabled(realm?: string): Promise<SignedInUser> {
  const user = await test.api.register({ ...(realm !== undefined && { tenantId: realm }) })
  const statement = sql`UPDATE users SET is_active = false WHERE id = ${user.id}`
  await (realm === undefined ? inCore(test.platform, statement) : inTenant(test.platform, realm, statement))
  return user
}

/** Somebody who can sign in to the platform, linked to a tenant, with a core account in a certain state. */
async function linked(change: string): Promise<SignedInUser> {
  const user = await test.api.register()
  await inTenant(
    test.platform,
    tenantId,
    sql`INSERT INTO users (id, core_user_id, email) VALUES (gen_random_uuid(), ${user.id}, ${user.email})`,
  )
  await inCore(test.platform, sql`${sql.raw(change)} WHERE id = ${user.id}`)
  return user
}

/** Everybody who must not get in, by why not. */
async function strangers(): Promise<readonly (readonly [string, object, string | undefined])[]> {
  const { email } = owner
  const wrong = 'not the password at all'
  const person = await test.api.register()
  const member = await test.api.register({ tenantId })
  const linkedDisabled = await linked('UPDATE users SET is_active = false')
  const linkedDeleted = await linked('DELETE FROM users')
  return [
    ['unknown e-mail', { email: `${unique('x')}@example.com`, password: PASSWORD }, undefined],
    ['no e-mail at all', { email: 'not an address', password: PASSWORD }, undefined],
    ['wrong password', { email: person.email, password: wrong }, undefined],
    ['disabled', { email: (await disabled()).email, password: PASSWORD }, undefined],
    ['disabled, wrong password', { email: (await disabled()).email, password: wrong }, undefined],
    ['member of a tenant only', { email: member.email, password: PASSWORD }, undefined],
    ['unknown e-mail in a tenant', { email: `${unique('x')}@example.com`, password: PASSWORD }, tenantId],
    ['wrong password in a tenant', { email: member.email, password: wrong }, tenantId],
    ['disabled in a tenant', { email: (await disabled(tenantId)).email, password: PASSWORD }, tenantId],
    ['linked, wrong password', { email, password: wrong }, tenantId],
    ['linked, core account disabled', { email: linkedDisabled.email, password: PASSWORD }, tenantId],
    ['linked, core account gone', { email: linkedDeleted.email, password: PASSWORD }, tenantId],
    ['core user only', { email: person.email, password: PASSWORD }, tenantId],
  ]
}

describe('F1 who does not get in', () => {
  it('hears the same, byte by byte, whatever the reason', async () => {
    const answers = new Map<string, ApiReply>()
    for (const [reason, credentials, realm] of await strangers())
      answers.set(reason, await test.api.post('/auth/login', credentials, { tenantId: realm }))
    const [first] = answers.values()
    expect(first).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } })
    for (const [reason, reply] of answers)
      expect(comparable(reply), reason).toBe(comparable(first as ApiReply))
  })

  it('costs one hash, whatever the reason', async () => {
    const { core, tenancy, events, repeats, config, secondFactor, passkeySignIn, throttle } = test.platform
    const box = createSecretBox(TEST_SECRET)
    const tokens = createAccessTokens({
      keys: test.platform.keys.ring,
      issuer: 'urn:test',
      ttl: config.accessTokenTtl,
      clock: systemClock,
    })
    const hasher = createPasswordHasher()
    const origin = { device: 'Unknown device', address: null }
    let hashes = 0
    const passwords = {
      hash: hasher.hash,
      verify: (password: string, hash: string | null | undefined) => {
        hashes++
        return hasher.verify(password, hash)
      },
    }
    const sessions = createSessions({ tokens, box, config, events, log: silentLogger })
    const auth = createAuthService({
      core,
      sessions,
      secondFactor,
      passkeySignIn,
      passwords,
      throttle,
      events,
      repeats,
    })
    for (const [reason, credentials, realm] of await strangers()) {
      hashes = 0
      const { email, password } = credentials as SignedInUser
      const tenant = realm === undefined ? undefined : await tenancy.enter(realm)
      await expect(auth.login({ email, password }, origin, tenant), reason).rejects.toMatchObject({
        code: 'invalid-credentials',
      })
      expect(hashes, reason).toBe(1)
    }
  })
})

describe('F5 an e-mail address that is registered', () => {
  it('is told by 409, in its own realm alone, and its account stays as it is', async () => {
    const member = await test.api.register({ tenantId, fullName: 'Ann Lee' })
    const { email } = member
    const again = { email, password: 'another good password', full_name: 'Eve' }
    const taken = await test.api.post('/auth/register', again, { tenantId })
    expect(taken).toMatchObject({ status: 409, body: { code: 'email-taken' } })
    expect(taken.text).not.toContain(email)
    expect((await test.api.post('/auth/register', again)).status).toBe(201)
    const me = await test.api.get('/users/me', { token: member.token, tenantId })
    expect(me.body.full_name).toBe('Ann Lee')
    await expect(test.api.login(member, tenantId)).resolves.toMatchObject({ id: member.id })
  })

  it('of a linked owner cannot be registered over', async () => {
    const { email } = owner
    const taken = await test.api.post('/auth/register', { email, password: 'of an attacker' }, { tenantId })
    expect(taken).toMatchObject({ status: 409, body: { code: 'email-taken' } })
    const login = await test.api.post('/auth/login', { email, password: 'of an attacker' }, { tenantId })
    expect(login.status).toBe(401)
  })
})

describe('F8 whether a slug is free', () => {
  it('is told to signed-in platform users alone', async () => {
    const slug = unique('secret')
    await test.api.post('/organizations', { name: 'Secret', slug }, { token: owner.token })
    const member = await test.api.login(owner, tenantId)
    for (const token of [undefined, 'garbage', member.token]) {
      const ask = (wanted: string) =>
        test.api.post('/organizations', { name: 'Ask', slug: wanted }, { token })
      const [taken, free] = [await ask(slug), await ask(unique('free'))]
      expect([401, 403]).toContain(taken.status)
      expect(comparable(taken)).toBe(comparable(free))
    }
  })
})
