import { hash as argon2 } from '@node-rs/argon2'
import { hash as bcrypt } from '@node-rs/bcrypt'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, PASSWORD, type SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { mailsTo } from '../support/mailbox.ts'
import { inCore, inTenant } from '../support/rows.ts'

const NEW = 'a brand new pass phrase'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

const realms = () => [undefined, tenantId]
const register = (realm?: string) => test.api.register({ ...(realm !== undefined && { tenantId: realm }) })
const change = (user: SignedInUser, realm?: string, body: object = {}) =>
  test.api.put(
    '/auth/password',
    { current_password: PASSWORD, new_password: NEW, ...body },
    { token: user.token, tenantId: realm },
  )
const login = ({ email }: SignedInUser, password: string, realm?: string) =>
  test.api.post('/auth/login', { email, password }, { tenantId: realm })
const refresh = (refreshToken: string, realm?: string) =>
  test.api.post('/auth/refresh', { refresh_token: refreshToken }, { tenantId: realm })
const ownPage = (token: string, realm?: string) =>
  test.api.get(realm === undefined ? '/organizations/me' : '/users/me', { token, tenantId: realm })

const rows = (statement: ReturnType<typeof sql>, realm?: string) =>
  realm === undefined
    ? inCore<{ password_hash: string }>(test.platform, statement)
    : inTenant<{ password_hash: string }>(test.platform, realm, statement)

describe('a password', () => {
  it('is changed by who knows it, in both realms; other sessions end, this one goes on, and a mail tells', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      const elsewhere = await test.api.login(user, realm)
      expect((await change(user, realm)).status).toBe(204)
      expect((await ownPage(user.token, realm)).status).toBe(200)
      expect((await refresh(user.refreshToken, realm)).status).toBe(200)
      expect((await ownPage(elsewhere.token, realm)).status).toBe(401)
      expect((await refresh(elsewhere.refreshToken, realm)).status).toBe(401)
      expect((await login(user, PASSWORD, realm)).status).toBe(401)
      expect((await login(user, NEW, realm)).status).toBe(200)
      expect((await mailsTo(test, user.email))[0]).toMatchObject({
        kind: 'password-changed',
        link: undefined,
      })
    }
  })

  it('stays where the current one is wrong: 401', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      const reply = await change(user, realm, { current_password: 'not the password at all' })
      expect(reply).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } })
      expect((await login(user, PASSWORD, realm)).status).toBe(200)
    }
  })

  it.each([
    ['D12 is too short', 'sevench', 'too-short'],
    ['D12 is common', 'password123', 'too-common'],
    ['D11 has a lone surrogate', 'lone surrogate \ud800', 'forbidden-character'],
  ])('stays where the new one %s: 422', async (_, new_password, code) => {
    const user = await register()
    const reply = await change(user, undefined, { new_password })
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ pointer: '/new_password', code }] } })
  })

  it('of a linked user is the platform’s: 409', async () => {
    const inside = await test.api.login(owner, tenantId)
    expect(await change(inside, tenantId)).toMatchObject({ status: 409, body: { code: 'linked-account' } })
    expect((await login(owner, PASSWORD)).status).toBe(200)
  })

  it('that is changed twice at once is changed once', async () => {
    const user = await register()
    const replies = await atOnce(6, (caller) => change(user, undefined, { new_password: `${NEW} ${caller}` }))
    const winners = replies.flatMap(({ status }, caller) => (status === 204 ? [caller] : []))
    expect(winners).toHaveLength(1)
    for (const { status } of replies) expect([204, 401]).toContain(status)
    expect((await login(user, `${NEW} ${winners[0]}`)).status).toBe(200)
  })

  it('H7 that is changed ends sessions for good, whatever refreshes and signs in meanwhile', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      const others = await Promise.all([1, 2, 3].map(() => test.api.login(user, realm)))
      const racing = await atOnce(13, async (caller): Promise<ApiReply | undefined> => {
        if (caller === 6) {
          expect((await change(user, realm)).status).toBe(204)
          return undefined
        }
        const other = others[caller % 3] as SignedInUser
        return caller < 6 ? await refresh(other.refreshToken, realm) : await login(user, PASSWORD, realm)
      })
      for (const reply of racing) {
        if (reply?.status !== 200) continue
        const { access_token, refresh_token } = reply.body
        expect((await ownPage(access_token, realm)).status).toBe(401)
        expect((await refresh(refresh_token, realm)).status).toBe(401)
      }
      expect((await ownPage(user.token, realm)).status).toBe(200)
    }
  })
})

it('H7 a sign-in whose password is changed after it was checked does not get in', async () => {
  const user = await register()
  let answered = false
  const isWaiting = async () => {
    const waiting = sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`
    return answered || (await inCore(test.platform, waiting)).length > 0
  }
  const attempt = await test.platform.core.transaction(async (tx) => {
    await tx.orm.execute(sql`UPDATE users SET password_hash = 'another' WHERE id = ${user.id}`)
    const reply = login(user, PASSWORD).finally(() => {
      answered = true
    })
    await expect.poll(isWaiting, { timeout: 10_000, interval: 10 }).toBe(true)
    return { reply }
  })
  expect(await attempt.reply).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } })
})

describe('a hash from elsewhere', () => {
  const store = async (user: SignedInUser, hash: string, realm?: string) =>
    rows(sql`UPDATE users SET password_hash = ${hash} WHERE id = ${user.id}`, realm)
  const stored = async (user: SignedInUser, realm?: string) =>
    (await rows(sql`SELECT password_hash FROM users WHERE id = ${user.id}`, realm))[0]?.password_hash

  it('signs in, and is made anew with the parameters of today', async () => {
    for (const realm of realms()) {
      const hashes = [
        (await bcrypt(PASSWORD, 5)).replace('$2y$', '$2b$'),
        (await bcrypt(PASSWORD, 4)).replace('$2y$', '$2a$'),
        await argon2(PASSWORD, { memoryCost: 8 * 1024, timeCost: 1 }),
      ]
      for (const hash of hashes) {
        const user = await register(realm)
        await store(user, hash, realm)
        expect((await login(user, 'not the password at all', realm)).status).toBe(401)
        expect(await stored(user, realm)).toBe(hash)
        expect((await login(user, PASSWORD, realm)).status).toBe(200)
        expect(await stored(user, realm)).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
        expect((await login(user, PASSWORD, realm)).status).toBe(200)
      }
    }
  })

  it('of a core user is made anew by a sign-in to an organization too', async () => {
    const person = await register()
    const { id } = await test.api.createOrganization(person)
    await store(person, (await bcrypt(PASSWORD, 4)).replace('$2y$', '$2b$'))
    expect((await login(person, PASSWORD, id)).status).toBe(200)
    expect(await stored(person)).toMatch(/^\$argon2id\$/)
  })

  it('that costs too much signs nobody in', async () => {
    const user = await register()
    await store(user, `$2b$15$${'A'.repeat(53)}`)
    expect((await login(user, PASSWORD)).status).toBe(401)
  })
})
