import { describe, expect, it } from 'vitest'
import type { AppError } from '../../platform/index.ts'
import { createGuard, createRateLimits, httpErrors, networkOf, RATE, type RatePolicy } from '../index.ts'
import { makeServer, named } from '../test-support.ts'
import { RateCounter } from './counter.ts'

const TWO: RatePolicy = { name: 'two', limit: 2, windowSeconds: 10 }

describe('createRateLimits', () => {
  it('lets so many through, then says when to come back', () => {
    const limits = createRateLimits({ enabled: true, factor: 1 })
    expect(limits.spend(TWO, 'a', 1000)).toMatchObject({ limit: 2, left: 1, resetSeconds: 10 })
    expect(limits.spend(TWO, 'a', 4500)).toMatchObject({ left: 0, resetSeconds: 7 })
    const error = refusal(() => limits.spend(TWO, 'a', 5000))
    expect(error).toMatchObject({
      code: 'rate-limited',
      headers: { 'retry-after': '6', ratelimit: '"two";r=0;t=6', 'ratelimit-policy': '"two";q=2;w=10' },
    })
    expect(limits.spend(TWO, 'a', 11_000)).toMatchObject({ left: 1 })
  })

  it('keeps clients and policies apart', () => {
    const limits = createRateLimits({ enabled: true, factor: 1 })
    for (let request = 0; request < 2; request++) limits.spend(TWO, 'a', 0)
    expect(limits.spend(TWO, 'b', 0)).toMatchObject({ left: 1 })
    expect(limits.spend({ ...TWO, name: 'other' }, 'a', 0)).toMatchObject({ left: 1 })
  })

  it('widens every limit by the factor', () => {
    expect(createRateLimits({ enabled: true, factor: 10 }).spend(RATE.register, 'a')).toMatchObject({
      limit: 50,
    })
  })

  it('can be switched off', () => {
    const limits = createRateLimits({ enabled: false, factor: 1 })
    for (let request = 0; request < 10; request++) expect(limits.spend(TWO, 'a')).toBeUndefined()
  })
})

it('I9: remembers no more clients than it may, and forgets the oldest', () => {
  const counter = new RateCounter(1000)
  for (let client = 0; client < 100_000; client++) counter.count(`client ${client}`, 60_000, client)
  expect(counter.clients).toBe(1000)
  expect(counter.count('client 99999', 60_000, 100_000).used).toBe(2)
  expect(counter.count('client 98000', 60_000, 100_000).used).toBe(1)
})

describe('networkOf', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002::1', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1::2:3', '2001:db8:1:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('counts %s as %s', (address, network) => {
    expect(networkOf(address)).toBe(network)
  })
})

describe('limits of routes', () => {
  const config = { rateLimit: TWO }

  it('answer 429 with Retry-After, before the guard runs', async () => {
    await using server = await makeServer({ rateLimits: { enabled: true, factor: 1 } })
    let asked = 0
    const guard = createGuard([], async () => ++asked)
    server.get('/', { onRequest: guard.onRequest, config, schema: named('root') }, async () => ({}))
    const answers = [await server.inject('/'), await server.inject('/'), await server.inject('/')]
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 429])
    expect(answers.map(({ headers }) => headers['ratelimit'])).toEqual([
      '"two";r=1;t=10',
      '"two";r=0;t=10',
      '"two";r=0;t=10',
    ])
    expect(answers[2]?.headers).toMatchObject({ 'retry-after': '10', 'ratelimit-policy': '"two";q=2;w=10' })
    expect(answers[2]?.json()).toMatchObject({ code: 'rate-limited', status: 429 })
    expect(asked).toBe(2)
  })

  it('are not told where something else refused with 429', async () => {
    await using server = await makeServer({ rateLimits: { enabled: true, factor: 1 } })
    const headers = { ratelimit: '"own";r=0;t=9', 'ratelimit-policy': '"own";q=1' }
    server.get('/silent', { config, schema: named('silent') }, async () => {
      throw httpErrors.rateLimited()
    })
    server.get('/own', { config, schema: named('own') }, async () => {
      throw httpErrors.rateLimited({ headers })
    })
    const silent = await server.inject('/silent')
    expect(silent.statusCode).toBe(429)
    expect(silent.headers).not.toHaveProperty('ratelimit')
    expect(silent.headers).not.toHaveProperty('ratelimit-policy')
    expect((await server.inject('/own')).headers).toMatchObject(headers)
  })

  it('hold for every route that says nothing, and for addresses that nobody has', async () => {
    await using server = await makeServer({ rateLimits: { enabled: true, factor: 0.005 } })
    server.get('/', { schema: named('root') }, async () => ({}))
    const statuses: number[] = []
    for (const url of ['/', '/none', '/', '/', '/none']) statuses.push((await server.inject(url)).statusCode)
    expect(statuses).toEqual([200, 404, 200, 429, 429])
  })

  it('leave out what says so', async () => {
    await using server = await makeServer({ rateLimits: { enabled: true, factor: 0 } })
    expect((await server.inject('/health/live')).statusCode).toBe(200)
    expect((await server.inject('/problems')).statusCode).toBe(429)
  })

  it.each([
    [false as const, [200, 200, 429]],
    ['127.0.0.1', [200, 200, 200]],
    [['10.0.0.0/8'], [200, 200, 429]],
  ])('C14: believe X-Forwarded-For from %s only', async (trustProxy, expected) => {
    await using server = await makeServer({ trustProxy, rateLimits: { enabled: true, factor: 1 } })
    server.get('/', { config, schema: named('root') }, async () => ({}))
    const statuses: number[] = []
    for (let client = 1; client <= 3; client++) {
      const address = `203.0.113.${client}`
      const headers = { 'x-forwarded-for': address, 'x-real-ip': address, forwarded: `for=${address}` }
      statuses.push((await server.inject({ url: '/', headers })).statusCode)
    }
    expect(statuses).toEqual(expected)
  })

  it('count a network of IPv6 as one client', async () => {
    await using server = await makeServer({ rateLimits: { enabled: true, factor: 1 } })
    server.get('/', { config, schema: named('root') }, async () => ({}))
    const statuses: number[] = []
    for (const remoteAddress of ['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1']) {
      statuses.push((await server.inject({ url: '/', remoteAddress })).statusCode)
    }
    expect(statuses).toEqual([200, 200, 429, 200])
  })
})

function refusal(work: () => unknown): AppError {
  try {
    work()
  } catch (error) {
    return error as AppError
  }
  throw new Error('Nothing was refused')
}
