import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { mailsTo, tokenFor } from '../support/mailbox.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const NEW = 'a brand new pass phrase'
const INVALID = { status: 400, body: { code: 'invalid-link' } }

let both: TwoProcesses
let owner: SignedInUser
let tenantId: string
let otherTenantId: string
beforeAll(async () => {
  both = await startTwoProcesses()
  owner = await both.one.api.register()
  tenantId = (await both.one.api.createOrganization(owner)).id
  otherTenantId = (await both.one.api.createOrganization(await both.one.api.register())).id
})
afterAll(() => both.close())

const realms = () => [undefined, tenantId]
const register = (realm?: string) =>
  both.one.api.register({ ...(realm !== undefined && { tenantId: realm }) })
const forgot = (email: string, realm?: string) =>
  both.one.api.post('/auth/password/forgot', { email }, { tenantId: realm })
const reset = (token: string, realm?: string, password = NEW, api = both.one.api) =>
  api.post('/auth/password/reset', { token, password }, { tenantId: realm })
const login = (email: string, password: string, realm?: string) =>
  both.one.api.post('/auth/login', { email, password }, { tenantId: realm })

async function linkFor(user: SignedInUser, realm?: string): Promise<string> {
  expect((await forgot(user.email, realm)).status).toBe(202)
  return await tokenFor(both.one, user.email, 'password-reset')
}

const rows = <Row extends Record<string, unknown>>(statement: ReturnType<typeof sql>, realm?: string) =>
  realm === undefined
    ? inCore<Row>(both.one.platform, statement)
    : inTenant<Row>(both.one.platform, realm, statement)

/** An answer without what differs from one request to the next. */
function comparable({ status, headers, text }: ApiReply): string {
  const id = headers['x-request-id'] ?? ''
  return JSON.stringify({ status, headers: { ...headers, date: '' }, text }).replaceAll(id, 'ID')
}

describe('a forgotten password', () => {
  it('is replaced with a mailed link, in both realms, and every session ends', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      expect((await reset(await linkFor(user, realm), realm)).status).toBe(204)
      const call = { tenantId: realm }
      expect((await login(user.email, PASSWORD, realm)).status).toBe(401)
      const again = await login(user.email, NEW, realm)
      expect(again).toMatchObject({ status: 200, body: { user: { email_verified: true } } })
      const before = await both.one.api.post('/auth/refresh', { refresh_token: user.refreshToken }, call)
      expect(before).toMatchObject({ status: 401, body: { code: 'invalid-token' } })
      const own = realm === undefined ? '/organizations/me' : '/users/me'
      expect((await both.one.api.get(own, { ...call, token: user.token })).status).toBe(401)
      const [notice] = await mailsTo(both.one, user.email)
      expect(notice).toMatchObject({ kind: 'password-changed', link: undefined })
    }
  })

  it('F1 F2 is answered alike, byte by byte, whoever asks, and only who has one is mailed', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      const disabled = await register(realm)
      await rows(sql`UPDATE users SET is_active = false WHERE id = ${disabled.id}`, realm)
      const unknown = `${unique('nobody')}@example.com`
      const replies = new Map<string, ApiReply>()
      for (const email of [user.email, user.email.toUpperCase(), unknown, disabled.email, 'no address'])
        replies.set(email, await forgot(email, realm))
      const [first] = replies.values()
      expect(first).toMatchObject({ status: 202, body: { status: 'accepted' } })
      for (const [email, reply] of replies)
        expect(comparable(reply), email).toBe(comparable(first as ApiReply))
      const kinds = async (email: string) =>
        (await mailsTo(both.one, email)).map(({ kind }) => kind).filter((kind) => kind === 'password-reset')
      expect(await kinds(user.email)).toHaveLength(2)
      expect(await kinds(disabled.email)).toEqual([])
      expect(await kinds(unknown)).toEqual([])
    }
  })

  it('of a linked user is the platform’s, which only its mail says', async () => {
    const reply = await forgot(owner.email, tenantId)
    expect(reply).toMatchObject({ status: 202, body: { status: 'accepted' } })
    const [mail] = await mailsTo(both.one, owner.email)
    expect(mail).toMatchObject({ kind: 'password-reset', link: undefined })
    expect(mail?.text).toContain('platform account')
    const tokens = await rows(
      sql`SELECT 1 FROM one_time_tokens WHERE purpose = 'password-reset'
      AND email = ${owner.email}`,
      tenantId,
    )
    expect(tokens).toEqual([])
  })

  it('of the platform ends the sessions that its user has in organizations', async () => {
    const person = await both.one.api.register()
    const { id } = await both.one.api.createOrganization(person)
    const inside = await both.one.api.login(person, id)
    expect((await reset(await linkFor(person))).status).toBe(204)
    await both.one.platform.events.settle()
    const call = { tenantId: id }
    expect((await both.one.api.get('/users/me', { ...call, token: inside.token })).status).toBe(401)
    // And where that had failed: no refresh passes.
    await inTenant(both.one.platform, id, sql`UPDATE sessions SET revoked_at = NULL`)
    const refreshed = await both.one.api.post('/auth/refresh', { refresh_token: inside.refreshToken }, call)
    expect(refreshed).toMatchObject({ status: 401, body: { code: 'invalid-token' } })
  })
})

describe('O5 a link', () => {
  it('is stored as a hash, for half an hour', async () => {
    const user = await register()
    const token = await linkFor(user)
    const [row] = await rows<{ text: string; minutes: string }>(
      sql`SELECT row_to_json(t)::text AS text, extract(epoch FROM expires_at - created_at) / 60 AS minutes
        FROM one_time_tokens t WHERE user_id = ${user.id} AND purpose = 'password-reset'`,
    )
    expect(Number(row?.minutes)).toBe(30)
    expect(row?.text).not.toContain(token.slice(4))
  })

  it('works once', async () => {
    for (const realm of realms()) {
      const token = await linkFor(await register(realm), realm)
      expect((await reset(token, realm)).status).toBe(204)
      expect(await reset(token, realm, 'yet another pass phrase')).toMatchObject(INVALID)
    }
  })

  it('does not work when a newer one was sent', async () => {
    const user = await register()
    const older = await linkFor(user)
    const newer = await linkFor(user)
    expect(newer).not.toBe(older)
    expect(await reset(older)).toMatchObject(INVALID)
    expect((await reset(newer)).status).toBe(204)
  })

  it('does not work when it is too old, or when its account is disabled', async () => {
    for (const change of [
      sql`UPDATE one_time_tokens SET expires_at = now() WHERE user_id = `,
      sql`UPDATE users SET is_active = false WHERE id = `,
    ]) {
      const user = await register()
      const token = await linkFor(user)
      await rows(sql`${change}${user.id}`)
      expect(await reset(token)).toMatchObject(INVALID)
    }
  })

  it('does not work when the e-mail address was changed in between', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      const token = await linkFor(user, realm)
      await rows(sql`UPDATE users SET email = ${`${unique('new')}@example.com`} WHERE id = ${user.id}`, realm)
      expect(await reset(token, realm)).toMatchObject(INVALID)
      expect(
        (
          await rows(
            sql`SELECT 1 FROM one_time_tokens WHERE user_id = ${user.id} AND used_at IS NULL
        AND purpose = 'password-reset'`,
            realm,
          )
        ).length,
      ).toBe(1)
    }
  })

  it('B9 B10 of one realm does not work in another', async () => {
    const email = `${unique('same')}@example.com`
    for (const realm of [undefined, tenantId, otherTenantId])
      await both.one.api.register({ email, ...(realm !== undefined && { tenantId: realm }) })
    for (const realm of [undefined, tenantId, otherTenantId]) {
      const before = (await mailsTo(both.one, email)).length
      await forgot(email, realm)
      const [mail] = await mailsTo(both.one, email)
      expect((await mailsTo(both.one, email)).length).toBe(before + 1)
      const fields = new URLSearchParams(mail?.link?.hash.slice(1))
      expect(fields.get('tenant')).toBe(realm ?? null)
      for (const wrong of [undefined, tenantId, otherTenantId].filter((one) => one !== realm))
        expect(await reset(mail?.token ?? '', wrong)).toMatchObject(INVALID)
      expect((await reset(mail?.token ?? '', realm, `${NEW} ${realm ?? ''}`)).status).toBe(204)
    }
  })

  it('is for what it was sent for', async () => {
    const user = await register()
    const verification = await tokenFor(both.one, user.email, 'email-verification')
    const token = await linkFor(user)
    expect(await reset(verification)).toMatchObject(INVALID)
    for (const path of ['/auth/email/verify', '/auth/email/change/confirm'])
      expect(await both.one.api.post(path, { token })).toMatchObject(INVALID)
    for (const wrong of ['x', user.token, user.refreshToken, `${token}A`, token.slice(0, -1)])
      expect(await reset(wrong)).toMatchObject(INVALID)
    expect((await reset(token)).status).toBe(204)
  })

  it('D10 D11 D12 is not used up by a password that is refused, and the reason is told', async () => {
    const user = await register()
    const token = await linkFor(user)
    const refused = [
      ['sevench', 'too-short'],
      ['x'.repeat(257), 'too-long'],
      [' '.repeat(12), 'blank'],
      ['password123', 'too-common'],
      [user.email, 'too-guessable'],
      ['lone surrogate \ud800', 'forbidden-character'],
      ['a password\u0000with NUL', 'forbidden-character'],
    ] as const
    for (const [password, code] of refused)
      expect(await reset(token, undefined, password)).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/password', code }] },
      })
    const composed = 'Zoë’s café éé'
    expect((await reset(token, undefined, composed.normalize('NFD'))).status).toBe(204)
    expect((await login(user.email, composed.normalize('NFC'))).status).toBe(200)
  })

  it('makes the other links of its account worthless', async () => {
    const user = await register()
    const change = { email: `${unique('new')}@example.com`, current_password: PASSWORD }
    const reply = await both.one.api.post('/auth/email/change', change, { token: user.token })
    expect(reply.status).toBe(202)
    const pending = await tokenFor(both.one, change.email, 'email-change')
    expect((await reset(await linkFor(user))).status).toBe(204)
    expect(await both.one.api.post('/auth/email/change/confirm', { token: pending })).toMatchObject(INVALID)
  })

  it('H8 that 16 use at once, in two processes, works for exactly one', async () => {
    for (const realm of realms()) {
      const user = await register(realm)
      const token = await linkFor(user, realm)
      const password = (caller: number) => `pass phrase of caller ${caller}`
      const replies = await atOnce(16, (caller) => reset(token, realm, password(caller), both.apiOf(caller)))
      const winners = replies.flatMap(({ status }, caller) => (status === 204 ? [caller] : []))
      expect(winners).toHaveLength(1)
      for (const { status, body } of replies)
        if (status !== 204) expect({ status, body }).toMatchObject(INVALID)
      expect((await login(user.email, password(winners[0] ?? -1), realm)).status).toBe(200)
    }
  })
})
