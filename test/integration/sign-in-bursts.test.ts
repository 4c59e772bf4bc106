import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { delayAfter } from '../../src/auth/throttle/schedule.ts'
import { type ApiReply, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { from, fromElsewhere, PRODUCTION_LIMITS } from '../support/limits.ts'
import { startPlatform } from '../support/platform.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

let both: TwoProcesses
let tenantId: string
beforeAll(async () => {
  both = await startTwoProcesses({ env: PRODUCTION_LIMITS })
  tenantId = (await both.one.api.createOrganization(await both.one.api.register())).id
})
afterAll(() => both.close())

const wrong = 'not the password at all'

/** How many attempts at one account the schedule lets through in so many seconds. */
function mostIn(seconds: number): number {
  let [failures, spent] = [0, 0]
  while (spent <= seconds) {
    failures++
    spent += delayAfter(failures)
  }
  return failures
}

function count(replies: readonly ApiReply[], status: number): number {
  return replies.filter((reply) => reply.status === status).length
}

describe('H10 200 wrong passwords at once, from as many networks, by two processes', () => {
  it.each([
    ['an account of the platform', async () => (await both.one.api.register()).email, false],
    ['an unknown account', async () => `${unique('nobody')}@example.com`, false],
    ['an account of a tenant', async () => (await both.one.api.register({ tenantId })).email, true],
  ])('for %s: no more are checked than the schedule lets through', async (_, addressOf, isTenant) => {
    const email = await addressOf()
    const realm = isTenant ? tenantId : undefined
    const began = performance.now()
    const replies = await atOnce(200, (caller) =>
      both
        .apiOf(caller)
        .post(
          '/auth/login',
          { email, password: wrong },
          { ...fromElsewhere(), tenantId: realm, faulty: true },
        ),
    )
    const checked = count(replies, 401)
    // 503 where this machine is too busy to hash in time: such an attempt is taken back.
    expect(checked + count(replies, 429) + count(replies, 503)).toBe(200)
    expect(checked).toBeGreaterThanOrEqual(1)
    expect(checked).toBeLessThanOrEqual(mostIn((performance.now() - began) / 1000))
    const refused = replies.find(({ status }) => status === 429)
    expect(refused?.body).toMatchObject({ code: 'rate-limited' })
    expect(refused?.headers).toMatchObject({ 'ratelimit-policy': '"account";q=5' })
    expect(refused?.headers['ratelimit']).toBe(`"account";r=0;t=${refused?.headers['retry-after']}`)
  })
})

describe('H16 the limit of a network holds over two processes', () => {
  it('for sign-ins at different accounts: 20 of 60, an IPv6 /64 being one network', async () => {
    const replies = await atOnce(60, (caller) => {
      const client = { ...from(`2001:db8:ffff:1::${(caller + 1).toString(16)}`), faulty: true }
      return both
        .apiOf(caller)
        .post('/auth/login', { email: `${unique('x')}@example.com`, password: wrong }, client)
    })
    expect(count(replies, 429)).toBe(40)
    for (const { headers } of replies) expect(headers['ratelimit-policy']).toBe('"login";q=20;w=60')
    expect(new Set(replies.map(({ headers }) => headers['ratelimit']?.split(';')[1]))).toContain('r=0')
  })

  it('for registrations: 5 of 12', async () => {
    const client = { ...from('198.51.100.7'), faulty: true }
    const replies = await atOnce(12, (caller) =>
      both
        .apiOf(caller)
        .post('/auth/register', { email: `${unique('x')}@example.com`, password: wrong }, client),
    )
    expect(count(replies, 429)).toBe(7)
  })

  it('C14 whatever address a client makes up, where no proxy is trusted', async () => {
    const env = { ...PRODUCTION_LIMITS, TRUSTED_PROXIES: '' }
    const third = await startPlatform({ env, databaseUrl: both.one.databaseUrl })
    try {
      // Some of the five were spent from this machine, by the first process.
      const replies = await atOnce(6, (caller) => {
        const address = `203.0.113.${caller}`
        const headers = { 'x-forwarded-for': address, 'x-real-ip': address, forwarded: `for=${address}` }
        return third.api.post(
          '/auth/register',
          { email: `${unique('x')}@example.com`, password: wrong },
          { headers, faulty: true },
        )
      })
      expect(count(replies, 201)).toBeLessThanOrEqual(5)
      expect(count(replies, 429)).toBeGreaterThanOrEqual(1)
    } finally {
      await third.close()
    }
  })
})
