import { sql } from 'drizzle-orm'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { rotateWhenDue } from '../../src/auth/keys/rotation.ts'
import { createSecretBox } from '../../src/platform/index.ts'
import type { ApiReply, SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { kidOf, publishedKids } from '../support/keys.ts'
import { TEST_SECRET } from '../support/platform.ts'
import { inCore } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

// Well below the 30 s after which a process looks by itself: what is seen was heard.
const PATIENCE = { timeout: 15_000, interval: 20 }

let two: TwoProcesses
let one: CheckedPlatform
let other: CheckedPlatform
let owner: SignedInUser
let tenantId: string
let member: SignedInUser
beforeAll(async () => {
  two = await startTwoProcesses()
  ;({ one, other } = two)
  owner = await one.api.register()
  tenantId = (await one.api.createOrganization(owner)).id
})
afterAll(() => two.close())
beforeEach(async () => {
  member = await one.api.login(owner, tenantId)
})

const ask = ({ api }: CheckedPlatform, { token } = member) => api.get('/users/me', { token, tenantId })
const statusOf = async (process: CheckedPlatform, user = member) => (await ask(process, user)).status
const refresh = ({ api }: CheckedPlatform, refresh_token: string): Promise<ApiReply> =>
  api.post('/auth/refresh', { refresh_token }, { tenantId })
const signer = () => kidOf(member.token)

/** Lets days go by for one key: its moments are the database's. */
async function setTimes(kid: string, times: ReturnType<typeof sql>): Promise<void> {
  await inCore(one.platform, sql`UPDATE signing_keys SET ${times} WHERE kid = ${kid}`)
}

async function countKeys(): Promise<number> {
  const [row] = await inCore<{ count: number }>(
    one.platform,
    sql`SELECT count(*)::int AS count FROM signing_keys WHERE audience = 'tenant'`,
  )
  return row?.count ?? 0
}

async function tokenSignedBy(process: CheckedPlatform): Promise<string> {
  return kidOf((await process.api.login(owner, tenantId)).token)
}

describe('a rotation', () => {
  it('publishes the next key, which signs when its time has come, on every process', async () => {
    const before = signer()
    const [rotated] = await one.platform.keys.rotate(['tenant'], false)
    const kid = rotated?.kid ?? ''
    expect(rotated).toMatchObject({ audience: 'tenant', changed: true })
    for (const process of [one, other])
      await expect.poll(() => publishedKids(process), PATIENCE).toEqual(expect.arrayContaining([before, kid]))
    expect(await tokenSignedBy(one)).toBe(before)
    // As 24 hours later.
    await inCore(
      one.platform,
      sql`UPDATE signing_keys SET signs_from = CASE kid WHEN ${kid} THEN now() ELSE signs_from END,
          signs_until = CASE kid WHEN ${before} THEN now() ELSE signs_until END`,
    )
    for (const process of [one, other]) await expect.poll(() => tokenSignedBy(process), PATIENCE).toBe(kid)
    expect(await statusOf(other)).toBe(200)
  })

  it('A17 lets tokens of the old key be good until its grace is over', async () => {
    const before = signer()
    await one.platform.keys.rotate(['tenant'], true)
    const fresh = await one.api.login(owner, tenantId)
    expect(kidOf(fresh.token)).not.toBe(before)
    for (const process of [one, other]) {
      await expect.poll(() => tokenSignedBy(process), PATIENCE).toBe(kidOf(fresh.token))
      expect(await statusOf(process)).toBe(200)
      expect(await statusOf(process, fresh)).toBe(200)
    }
    await setTimes(before, sql`verifies_until = now()`)
    for (const process of [one, other]) {
      await expect.poll(() => statusOf(process), PATIENCE).toBe(401)
      expect(await statusOf(process, fresh)).toBe(200)
      expect(await publishedKids(process)).not.toContain(before)
    }
  })

  it('gives the old key 24 hours and the longest life of a token', async () => {
    const before = signer()
    await one.platform.keys.rotate(['tenant'], true)
    const [row] = await inCore<{ grace: string }>(
      one.platform,
      sql`SELECT extract(epoch FROM verifies_until - signs_until)::int AS grace FROM signing_keys WHERE kid = ${before}`,
    )
    expect(row?.grace).toBe(24 * 3_600 + 900)
  })

  it('fails no request and no refresh of 50 clients of two processes', async () => {
    let isOver = false
    const kids = new Set<string>()
    const failed: string[] = []
    const note = (reply: ApiReply) => {
      if (reply.status !== 200) failed.push(`${reply.status} ${reply.text}`)
    }
    const clients: { process: CheckedPlatform; tokens: SignedInUser }[] = []
    // One after the other: hashing passwords has limits of its own.
    for (let index = 0; index < 50; index++)
      clients.push({ process: index % 2 ? one : other, tokens: await one.api.login(owner, tenantId) })
    const load = Promise.all(
      clients.map(async ({ process, tokens: { token, refreshToken } }) => {
        for (let turn = 0; !isOver; turn++) {
          // The next request goes to the other process, which may not have heard of the key yet.
          note(await ask(turn % 2 ? one : other, { ...member, token }))
          const reply = await refresh(process, refreshToken)
          note(reply)
          token = reply.body.access_token
          refreshToken = reply.body.refresh_token
          kids.add(kidOf(token))
        }
      }),
    )
    // At once, published, promoted, and so on, by the one and the other.
    for (const [turn, now] of [true, false, true, true, false, true].entries()) {
      const [next] = await (turn % 2 ? one : other).platform.keys.rotate(['tenant'], now)
      if (now) await expect.poll(() => [...kids], PATIENCE).toContain(next?.kid)
    }
    isOver = true
    await load
    expect(failed).toEqual([])
    expect(kids.size).toBeGreaterThanOrEqual(4)
  })
})

describe('H15 sixteen rotators of two processes', () => {
  const rotators = <T>(work: (process: CheckedPlatform) => Promise<T>) =>
    atOnce(16, (index) => work(index % 2 ? one : other))
  beforeEach(async () => {
    // Both know the same keys, and there is no next one.
    const [rotated] = await one.platform.keys.rotate(['tenant'], true)
    const known = () => other.platform.keys.ring.signing('tenant').kid
    await expect.poll(known, PATIENCE).toBe(rotated?.kid)
  })

  it.each([false, true])('make one key together, at once: %s', async (now) => {
    const before = await countKeys()
    const outcomes = (await rotators(({ platform }) => platform.keys.rotate(['tenant'], now))).flat()
    expect(new Set(outcomes.map(({ kid }) => kid)).size).toBe(1)
    expect(outcomes.filter(({ changed }) => changed)).toHaveLength(1)
    expect(await countKeys()).toBe(before + 1)
  })

  it('make one key together when it is time, 24 hours before the present one has signed for 30 days', async () => {
    const box = createSecretBox(TEST_SECRET)
    const current = one.platform.keys.ring.signing('tenant').kid
    const rotate = ({ platform }: CheckedPlatform) => rotateWhenDue({ core: platform.core, box })
    const before = await countKeys()
    await setTimes(current, sql`signs_from = now() - interval '28 days 23 hours'`)
    expect((await rotators(rotate)).flat()).toEqual([])
    await setTimes(current, sql`signs_from = now() - interval '29 days 1 minute'`)
    const outcomes = (await rotators(rotate)).flat()
    expect(outcomes).toMatchObject([{ audience: 'tenant', changed: true }])
    expect(await countKeys()).toBe(before + 1)
    const [row] = await inCore<{ hours: string }>(
      one.platform,
      sql`SELECT extract(epoch FROM signs_until - now()) / 3600 AS hours FROM signing_keys WHERE kid = ${current}`,
    )
    // Not before everybody who verifies tokens can have heard of it.
    expect(Number(row?.hours)).toBeGreaterThan(23.9)
    expect(Number(row?.hours)).toBeLessThanOrEqual(24)
  })
})

describe('A24 the published keys', () => {
  it('verify tokens of both kinds, and may be kept for five minutes', async () => {
    const reply = await other.api.send('GET', '/.well-known/jwks.json')
    expect(reply.headers['cache-control']).toBe('public, max-age=300')
    const keys = createLocalJWKSet(reply.body)
    const core = await other.api.login(owner)
    for (const token of [core.token, (await other.api.login(owner, tenantId)).token]) {
      const { payload } = await jwtVerify(token, keys, { algorithms: ['EdDSA'], typ: 'at+jwt' })
      expect(payload).toEqual(decodeJwt(token))
    }
    for (const key of reply.body.keys)
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x'])
  })
})
