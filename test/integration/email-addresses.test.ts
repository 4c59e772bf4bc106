import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { mailsTo, tokenFor } from '../support/mailbox.ts'
import { inCore } from '../support/rows.ts'

const INVALID = { status: 400, body: { code: 'invalid-link' } }

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
const heard: { name: string; tenantId?: string; payload: object }[] = []
beforeAll(async () => {
  test = await startCheckedPlatform()
  for (const name of ['email.verified', 'email.changed', 'password.changed', 'password.reset'] as const)
    test.platform.events.on(name, 'test', (event) => void heard.push(event))
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

const realms = () => [undefined, tenantId]
const fresh = () => `${unique('new')}@example.com`
const register = (realm?: string) => test.api.register({ ...(realm !== undefined && { tenantId: realm }) })
const verify = (token: string, realm?: string) =>
  test.api.post('/auth/email/verify', { token }, { tenantId: realm })
const resend = (user: SignedInUser, realm?: string) =>
  test.api.post('/auth/email/verification', undefined, { token: user.token, tenantId: realm })
const change = (user: SignedInUser, email: string, realm?: string, current_password = PASSWORD) =>
  test.api.post('/auth/email/change', { email, current_password }, { token: user.token, tenantId: realm })
const confirm = (token: string, realm?: string) =>
  test.api.post('/auth/email/change/confirm', { token }, { tenantId: realm })
const login = (email: string, realm?: string) =>
  test.api.post('/auth/login', { email, password: PASSWORD }, { tenantId: realm })
const eventsOf = async (user: SignedInUser) => {
  await test.platform.events.settle()
  return heard.filter(({ payload }) => Reflect.get(payload, 'userId') === user.id)
}

describe('an e-mail address', () => {
  it('is unverified until the link of the first mail is opened, in both realms', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      expect((await login(user.email, realm)).body.user.email_verified).toBe(false)
      const token = await tokenFor(test, user.email, 'email-verification')
      expect((await verify(token, realm)).status).toBe(204)
      expect((await login(user.email, realm)).body.user.email_verified).toBe(true)
      expect(await verify(token, realm)).toMatchObject(INVALID)
      expect(await eventsOf(user)).toMatchObject([
        {
          name: 'email.verified',
          payload: { userId: user.id, scope: realm === undefined ? 'core' : 'tenant' },
          ...(realm !== undefined && { tenantId: realm }),
        },
      ])
    }
  })

  it('is mailed another link on demand, which takes the place of the first, and none once it is verified', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      const first = await tokenFor(test, user.email, 'email-verification')
      expect(await resend(user, realm)).toMatchObject({ status: 202, body: { status: 'accepted' } })
      const second = await tokenFor(test, user.email, 'email-verification')
      expect(second).not.toBe(first)
      expect(await verify(first, realm)).toMatchObject(INVALID)
      expect((await verify(second, realm)).status).toBe(204)
      const before = (await mailsTo(test, user.email)).length
      expect((await resend(user, realm)).status).toBe(202)
      expect((await mailsTo(test, user.email)).length).toBe(before)
    }
  })

  it('B10 is not verified by a link of another realm', async () => {
    const user = await register(tenantId)
    const token = await tokenFor(test, user.email, 'email-verification')
    expect(await verify(token)).toMatchObject(INVALID)
    expect((await verify(token, tenantId)).status).toBe(204)
  })

  it('H8 is verified by one of 16 that open the link at once', async () => {
    const user = await register()
    const token = await tokenFor(test, user.email, 'email-verification')
    const replies = await atOnce(16, () => verify(token))
    expect(replies.filter(({ status }) => status === 204)).toHaveLength(1)
    expect(replies.filter(({ status }) => status === 400)).toHaveLength(15)
  })
})

describe('another e-mail address', () => {
  it('is taken once its own mailbox confirms it; the old one hears of both', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      const email = fresh()
      expect(await change(user, email.toUpperCase(), realm)).toMatchObject({ status: 202 })
      expect((await login(email, realm)).status).toBe(401)
      expect((await mailsTo(test, user.email))[0]).toMatchObject({ kind: 'email-change-notice' })
      expect((await confirm(await tokenFor(test, email, 'email-change'), realm)).status).toBe(204)
      expect((await login(user.email, realm)).status).toBe(401)
      const moved = await login(email, realm)
      expect(moved).toMatchObject({
        status: 200,
        body: { user: { id: user.id, email, email_verified: true } },
      })
      expect((await mailsTo(test, user.email))[0]).toMatchObject({ kind: 'email-changed' })
      expect((await eventsOf(user)).map(({ name }) => name)).toEqual(['email.changed'])
    }
  })

  it('O5 makes the links to the old one worthless', async () => {
    const user = await register()
    const verification = await tokenFor(test, user.email, 'email-verification')
    await test.api.post('/auth/password/forgot', { email: user.email })
    const reset = await tokenFor(test, user.email, 'password-reset')
    const email = fresh()
    await change(user, email)
    expect((await confirm(await tokenFor(test, email, 'email-change'))).status).toBe(204)
    expect(await verify(verification)).toMatchObject(INVALID)
    const body = { token: reset, password: 'a brand new pass phrase' }
    expect(await test.api.post('/auth/password/reset', body)).toMatchObject(INVALID)
  })

  it('that is taken is answered like any other, and its reader is told', async () => {
    const [user, holder] = [await register(), await register()]
    const comparable = ({ status, headers, text }: ApiReply) =>
      JSON.stringify({ status, headers: { ...headers, date: '' }, text }).replaceAll(
        headers['x-request-id'] ?? '',
        'ID',
      )
    const taken = await change(user, holder.email)
    const free = await change(user, fresh())
    expect(comparable(taken)).toBe(comparable(free))
    expect((await mailsTo(test, holder.email))[0]).toMatchObject({ kind: 'email-change', link: undefined })
  })

  it('that is taken while its link is under way is refused: 409', async () => {
    const user = await register()
    const email = fresh()
    await change(user, email)
    const token = await tokenFor(test, email, 'email-change')
    await test.api.register({ email })
    expect(await confirm(token)).toMatchObject({ status: 409, body: { code: 'email-taken' } })
    expect((await login(user.email)).status).toBe(200)
  })

  it('asks for the current password, and for an address that is one and is another', async () => {
    const user = await register()
    const wrong = await change(user, fresh(), undefined, 'not the password at all')
    expect(wrong).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } })
    for (const [email, code] of [
      ['ann@localhost', 'invalid-format'],
      ['ann@example.com\r\nBcc: eve@example.com', 'invalid-format'],
      [user.email, 'unchanged'],
    ] as const)
      expect(await change(user, email)).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/email', code }] },
      })
  })

  it('of a linked user is changed with the password of the platform, in that organization alone', async () => {
    const inside = await test.api.login(owner, tenantId)
    const email = fresh()
    expect((await change(inside, email, tenantId)).status).toBe(202)
    expect((await confirm(await tokenFor(test, email, 'email-change'), tenantId)).status).toBe(204)
    expect((await login(email, tenantId)).status).toBe(200)
    expect((await login(owner.email)).status).toBe(200)
  })

  it('does not come of a link whose session’s password was changed since', async () => {
    const user = await register()
    const email = fresh()
    await change(user, email)
    const token = await tokenFor(test, email, 'email-change')
    const body = { current_password: PASSWORD, new_password: 'a brand new pass phrase' }
    expect((await test.api.put('/auth/password', body, { token: user.token })).status).toBe(204)
    expect(await confirm(token)).toMatchObject(INVALID)
    const rows = await inCore(test.platform, sql`SELECT email FROM users WHERE id = ${user.id}`)
    expect(rows).toEqual([{ email: user.email }])
  })
})
