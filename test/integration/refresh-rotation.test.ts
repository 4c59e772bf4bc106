import { type SQL, sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hashRefreshToken } from '../../src/auth/sessions/refresh-token.ts'
import type { ApiReply, SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  tenantId = (await test.api.createOrganization(await test.api.register())).id
})
afterAll(() => test.close())

const INVALID = { status: 401, body: { code: 'invalid-token' } }

describe.each(['core', 'tenant'])('a refresh token of the %s realm', (realmName) => {
  const realm = () => (realmName === 'core' ? undefined : tenantId)
  const register = () => test.api.register(realmName === 'core' ? {} : { tenantId })
  const change = (statement: SQL): Promise<unknown[]> =>
    realmName === 'core' ? inCore(test.platform, statement) : inTenant(test.platform, tenantId, statement)

  async function refresh(refreshToken: string): Promise<ApiReply> {
    return await test.api.post('/auth/refresh', { refresh_token: refreshToken }, { tenantId: realm() })
  }

  /** Refreshes and gives the token that follows. */
  async function follow(refreshToken: string): Promise<string> {
    const reply = await refresh(refreshToken)
    expect(reply.status).toBe(200)
    return reply.body.refresh_token
  }

  async function isIn(token: string): Promise<boolean> {
    const path = realmName === 'core' ? '/organizations/me' : '/users/me'
    const { status } = await test.api.get(path, { token, tenantId: realm() })
    expect([200, 401]).toContain(status)
    return status === 200
  }

  /** Lets the ten seconds pass in which a token may come again. */
  const outlast = (refreshToken: string) =>
    change(
      sql`UPDATE refresh_tokens SET used_at = used_at - interval '10 seconds' WHERE hash = ${hashRefreshToken(refreshToken)}`,
    )

  it('is followed by another one, again and again', async () => {
    const ann = await register()
    const seen = new Set([ann.refreshToken])
    let token = ann.refreshToken
    for (let round = 0; round < 5; round++) {
      token = await follow(token)
      seen.add(token)
    }
    expect(seen.size).toBe(6)
    expect(await isIn(ann.token)).toBe(true)
  })

  it('is stored as a hash alone', async () => {
    const ann = await register()
    const next = await follow(ann.refreshToken)
    const rows = await change(sql`SELECT row_to_json(refresh_tokens)::text AS text FROM refresh_tokens`)
    const text = JSON.stringify(rows)
    expect(text).toContain(hashRefreshToken(next))
    for (const token of [ann.refreshToken, next]) expect(text).not.toContain(token)
  })

  it('O2 that comes again within ten seconds gives the same successor: the answer may have been lost', async () => {
    const ann = await register()
    const first = await follow(ann.refreshToken)
    expect(await follow(ann.refreshToken)).toBe(first)
    const second = await follow(first)
    expect(await follow(ann.refreshToken)).toBe(first)
    expect(await follow(first)).toBe(second)
    expect(await isIn(ann.token)).toBe(true)
  })

  it('H6 that 16 callers use at once gives all of them one successor, which works', async () => {
    const ann = await register()
    const replies = await atOnce(16, () => refresh(ann.refreshToken))
    expect(replies.map(({ status }) => status)).toEqual(Array(16).fill(200))
    const successors = new Set(replies.map(({ body }) => body.refresh_token))
    expect(successors.size).toBe(1)
    const [successor] = successors
    const live = await change(
      sql`SELECT hash FROM refresh_tokens WHERE used_at IS NULL AND session_id = ${String(decodeJwt(ann.token)['sid'])}`,
    )
    expect(live).toEqual([{ hash: hashRefreshToken(successor) }])
    await follow(successor)
  })

  it('O1 that comes again later ends its session: every token of it, and no other session', async () => {
    const ann = await register()
    const elsewhere = await test.api.login(ann, realm())
    const first = await refresh(ann.refreshToken)
    const second = await refresh(first.body.refresh_token)
    await outlast(ann.refreshToken)
    expect(await isIn(second.body.access_token)).toBe(true)

    expect(await refresh(ann.refreshToken)).toMatchObject(INVALID)

    for (const token of [ann.token, first.body.access_token, second.body.access_token])
      expect(await isIn(token)).toBe(false)
    for (const token of [ann.refreshToken, first.body.refresh_token, second.body.refresh_token])
      expect(await refresh(token)).toMatchObject(INVALID)
    expect(await isIn(elsewhere.token)).toBe(true)
    expect((await refresh(elsewhere.refreshToken)).status).toBe(200)
  })

  it('O1 H6 that 16 callers use again later ends the session for all of them', async () => {
    const ann = await register()
    const next = await follow(ann.refreshToken)
    await outlast(ann.refreshToken)
    const replies = await atOnce(16, () => refresh(ann.refreshToken))
    expect(replies.map(({ status }) => status)).toEqual(Array(16).fill(401))
    expect(await refresh(next)).toMatchObject(INVALID)
    expect(await isIn(ann.token)).toBe(false)
  })

  it.each<readonly [string, (user: SignedInUser) => string]>([
    ['unknown', () => `trt_${'A'.repeat(43)}`],
    ['cut off', ({ refreshToken }) => refreshToken.slice(0, -1)],
    ['in upper case', ({ refreshToken }) => refreshToken.toUpperCase()],
    ['without its prefix', ({ refreshToken }) => refreshToken.slice(4)],
    ['with a space', ({ refreshToken }) => `${refreshToken} `],
    ['its stored hash', ({ refreshToken }) => hashRefreshToken(refreshToken)],
    ['its stored hash with the prefix', ({ refreshToken }) => `trt_${hashRefreshToken(refreshToken)}`],
  ])('that is %s is refused, and harms nobody', async (_, spell) => {
    const ann = await register()
    expect(await refresh(spell(ann))).toMatchObject(INVALID)
    await follow(ann.refreshToken)
  })

  it('that was refused in a stolen form tells nothing of why', async () => {
    const ann = await register()
    const next = await follow(ann.refreshToken)
    await outlast(ann.refreshToken)
    const reused = await refresh(ann.refreshToken)
    const revoked = await refresh(next)
    const unknown = await refresh(`trt_${'B'.repeat(43)}`)
    for (const reply of [reused, revoked])
      expect({ ...reply.body, instance: '' }).toEqual({ ...unknown.body, instance: '' })
  })
})
