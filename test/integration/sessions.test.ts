import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiReply, SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { REALM_NAMES, realmOf, sessionOf, type TestRealm } from '../support/realms.ts'

const INVALID = { status: 401, body: { code: 'invalid-token' } }
const NOT_FOUND = { status: 404, body: { code: 'not-found' } }
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0'
const SAFARI =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15'

let test: CheckedPlatform
let realms: Record<(typeof REALM_NAMES)[number], TestRealm>
const events: { name: string; tenantId?: string; payload: object }[] = []
beforeAll(async () => {
  test = await startCheckedPlatform({ env: { TRUSTED_PROXIES: '127.0.0.1' } })
  const { id } = await test.api.createOrganization(await test.api.register())
  realms = { core: realmOf(test), tenant: realmOf(test, id) }
  for (const name of ['session.ended', 'session.reuse_detected'] as const)
    test.platform.events.on(name, 'test', (event) => void events.push(event))
})
afterAll(() => test.close())

const SESSIONS = '/auth/sessions'
const logOut = (realm: TestRealm, { token }: SignedInUser): Promise<ApiReply> =>
  test.api.send('POST', '/api/v1/auth/logout', undefined, { token, tenantId: realm.tenantId })
const list = (realm: TestRealm, { token }: SignedInUser): Promise<ApiReply> =>
  test.api.get(SESSIONS, { token, tenantId: realm.tenantId })
const end = (realm: TestRealm, { token }: SignedInUser, what: string): Promise<ApiReply> =>
  test.api.delete(SESSIONS + what, { token, tenantId: realm.tenantId })

/** What was told of a user's sessions. */
async function toldOf({ id }: SignedInUser): Promise<object[]> {
  await test.platform.events.settle()
  return events.filter(({ payload }) => Reflect.get(payload, 'userId') === id)
}

async function expectOver(realm: TestRealm, user: SignedInUser): Promise<void> {
  expect(await list(realm, user)).toMatchObject(INVALID)
  expect(await realm.isIn(user.token)).toBe(false)
  expect(await realm.refresh(user.refreshToken)).toMatchObject(INVALID)
}

/** Somebody with `count` sessions. */
async function signedIn(realm: TestRealm, count: number): Promise<SignedInUser[]> {
  const users = [await realm.register()]
  while (users.length < count) users.push(await test.api.login(users[0] as SignedInUser, realm.tenantId))
  return users
}

describe.each(REALM_NAMES)('in the %s realm', (name) => {
  const ended = (user: SignedInUser, reason: string) => ({
    name: 'session.ended',
    payload: { userId: user.id, sessionId: sessionOf(user), scope: name, reason },
  })

  it('A19 logging out ends this session with the next request, and no other', async () => {
    const realm = realms[name]
    const [ann, elsewhere] = (await signedIn(realm, 2)) as [SignedInUser, SignedInUser]
    const reply = await logOut(realm, ann)
    expect(reply).toMatchObject({ status: 204, text: '' })
    expect(await logOut(realm, ann)).toMatchObject(INVALID)
    await expectOver(realm, ann)
    expect(await realm.isIn(elsewhere.token)).toBe(true)
    expect((await realm.refresh(elsewhere.refreshToken)).status).toBe(200)
    expect(await toldOf(ann)).toMatchObject([{ ...ended(ann, 'logout') }])
    expect((await toldOf(ann))[0]).toMatchObject(
      realm.tenantId === undefined ? {} : { tenantId: realm.tenantId },
    )
  })

  it('my sessions are listed, this one first', async () => {
    const realm = realms[name]
    const [ann, second, third] = (await signedIn(realm, 3)) as [SignedInUser, SignedInUser, SignedInUser]
    await realm.register()
    await realm.refresh(second.refreshToken)
    const { status, body } = await list(realm, ann)
    expect(status).toBe(200)
    expect(body.map(({ id }: { id: string }) => id)).toEqual([ann, second, third].map(sessionOf))
    expect(body.map((session: { is_current: boolean }) => session.is_current)).toEqual([true, false, false])
    for (const { created_at, last_used_at, expires_at } of body) {
      expect(Date.parse(last_used_at)).toBeGreaterThanOrEqual(Date.parse(created_at))
      expect(Date.parse(expires_at) - Date.parse(last_used_at)).toBe(14 * 86_400_000)
    }
    expect(Date.parse(body[1].last_used_at)).toBeGreaterThan(Date.parse(body[1].created_at))
  })

  it('a session tells coarsely from where it was last used', async () => {
    const realm = realms[name]
    const { email, password } = await realm.register()
    const from = (userAgent: string, address: string) => ({
      tenantId: realm.tenantId,
      headers: { 'user-agent': userAgent, 'x-forwarded-for': address },
    })
    const login = await test.api.post('/auth/login', { email, password }, from(FIREFOX, '192.0.2.77'))
    const show = async () => {
      const reply = await list(realm, { ...login.body, token: login.body.access_token })
      return reply.body[0]
    }
    expect(await show()).toMatchObject({ device: 'Firefox on Linux', address: '192.0.2.0/24' })
    const body = { refresh_token: login.body.refresh_token }
    await test.api.post('/auth/refresh', body, from(SAFARI, '6.6.6.6, 2001:db8:1:2::7'))
    expect(await show()).toMatchObject({ device: 'Safari on macOS', address: '2001:db8:1::/48' })
    await test.api.post('/auth/refresh', body, from('<script>/1 (x) y', '<script>'))
    expect(await show()).toMatchObject({ device: 'Unknown device', address: null })
  })

  it('A19 one session is ended from another one, once', async () => {
    const realm = realms[name]
    const [ann, other, third] = (await signedIn(realm, 3)) as [SignedInUser, SignedInUser, SignedInUser]
    expect(await end(realm, ann, `/${sessionOf(other)}`)).toMatchObject({ status: 204, text: '' })
    expect(await end(realm, ann, `/${sessionOf(other)}`)).toMatchObject(NOT_FOUND)
    await expectOver(realm, other)
    expect((await list(realm, ann)).body.map(({ id }: { id: string }) => id)).toEqual(
      [ann, third].map(sessionOf),
    )
    expect(await toldOf(ann)).toMatchObject([ended(other, 'revoked')])
    expect((await end(realm, ann, `/${sessionOf(ann)}`)).status).toBe(204)
    await expectOver(realm, ann)
    expect(await realm.isIn(third.token)).toBe(true)
  })

  it('A19 all sessions are ended, this one too unless it is left out', async () => {
    const realm = realms[name]
    const stranger = await realm.register()
    const [ann, ...others] = (await signedIn(realm, 4)) as [SignedInUser, ...SignedInUser[]]
    expect(await end(realm, ann, '?except=current')).toMatchObject({ status: 204, text: '' })
    for (const other of others) await expectOver(realm, other)
    expect((await list(realm, ann)).body).toHaveLength(1)
    expect((await end(realm, ann, '?except=current')).status).toBe(204)
    const again = await test.api.login(ann, realm.tenantId)
    expect((await end(realm, ann, '')).status).toBe(204)
    for (const user of [ann, again]) await expectOver(realm, user)
    expect(await realm.isIn(stranger.token)).toBe(true)
    const told = await toldOf(ann)
    expect(told).toHaveLength(5)
    expect(told).toEqual(
      expect.arrayContaining(
        [...others, ann, again].map((user) => expect.objectContaining(ended(user, 'revoked'))),
      ),
    )
  })

  it('B10 a session of somebody else cannot be told from one that is not there', async () => {
    const realm = realms[name]
    const [ann, bob] = [await realm.register(), await realm.register()]
    const gone = await test.api.login(ann, realm.tenantId)
    await logOut(realm, gone)
    const expired = await test.api.login(ann, realm.tenantId)
    await realm.change(sql`UPDATE sessions SET expires_at = now() WHERE id = ${sessionOf(expired)}`)
    const replies: ApiReply[] = []
    for (const id of [sessionOf(bob), sessionOf(gone), sessionOf(expired), ann.id])
      replies.push(await end(realm, ann, `/${id}`))
    for (const reply of replies) {
      expect(reply).toMatchObject(NOT_FOUND)
      expect({ ...reply.body, instance: '' }).toEqual({ ...replies[0]?.body, instance: '' })
    }
    expect(await realm.isIn(bob.token)).toBe(true)
  })

  it.each([
    '-1',
    '0',
    '1e9',
    'all',
    'current',
    '%00',
    '%E2%80%8B',
    "'%20OR%201=1--",
    '..%2F..%2Fsessions',
    '{id}',
    '0199aaaa-0000-7000-8000-00000000000',
    '0199AAAA-0000-7000-8000-000000000000',
    '0199aaaa00007000800000000000000000',
    'a'.repeat(100),
  ])('C19 the id %s ends nothing', async (id) => {
    const realm = realms[name]
    const ann = await realm.register()
    const reply = await end(realm, ann, `/${id}`)
    expect([400, 404, 422]).toContain(reply.status)
    expect(await realm.isIn(ann.token)).toBe(true)
  })

  it.each([
    '?except=',
    '?except=all',
    '?except=CURRENT',
    '?except=current&except=current',
    '?except[]=current',
    '?Except=current',
    '?only=current',
  ])('C19 the query %s ends nothing', async (query) => {
    const realm = realms[name]
    const ann = await realm.register()
    expect(await end(realm, ann, query)).toMatchObject({ status: 422, body: { code: 'validation-failed' } })
    expect(await realm.isIn(ann.token)).toBe(true)
  })

  it('O1 a refresh token that comes again is told of, and logged without the token', async () => {
    const realm = realms[name]
    const ann = await realm.register()
    await realm.refresh(ann.refreshToken)
    await realm.change(
      sql`UPDATE refresh_tokens SET used_at = used_at - interval '10 seconds' WHERE session_id = ${sessionOf(ann)}`,
    )
    for (let time = 0; time < 3; time++) expect(await realm.refresh(ann.refreshToken)).toMatchObject(INVALID)
    const { payload } = ended(ann, 'reuse')
    const { reason: _, ...whose } = payload
    expect(await toldOf(ann)).toMatchObject([
      { name: 'session.reuse_detected', payload: whose },
      { name: 'session.ended', payload },
    ])
    const warnings = test.logged.filter((line) => line['session_id'] === sessionOf(ann))
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatchObject({ level: 40, user_id: ann.id, scope: name })
  })

  it('O1 a token of a session that ran out is no sign of theft', async () => {
    const realm = realms[name]
    const ann = await realm.register()
    const next = (await realm.refresh(ann.refreshToken)).body.refresh_token
    await realm.change(sql`UPDATE refresh_tokens SET used_at = used_at - interval '10 seconds'
      WHERE session_id = ${sessionOf(ann)}`)
    await realm.change(sql`UPDATE sessions SET expires_at = now() WHERE id = ${sessionOf(ann)}`)
    for (const token of [ann.refreshToken, next]) expect(await realm.refresh(token)).toMatchObject(INVALID)
    expect(await toldOf(ann)).toEqual([])
  })
})
