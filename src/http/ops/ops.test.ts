import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { drainServer, type ReadinessCheck } from '../index.ts'
import { listen, makeServer, named, recordingLogger } from '../test-support.ts'

const fine: ReadinessCheck = { name: 'fine', check: async () => undefined }

describe('GET /health/live', () => {
  it('is always fine', async () => {
    const broken = { name: 'broken', check: () => Promise.reject(new Error('down')) }
    await using server = await makeServer({ readiness: [broken] })
    const answer = await server.inject('/health/live')
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ok', checks: [] }])
  })
})

describe('GET /health/ready', () => {
  it('names what it looked at', async () => {
    await using server = await makeServer({ readiness: [fine] })
    const answer = await server.inject('/health/ready')
    expect([answer.statusCode, answer.json()]).toEqual([
      200,
      { status: 'ok', checks: [{ name: 'fine', ok: true }] },
    ])
  })

  it('answers 503 when something is missing, and logs why', async () => {
    const { log, lines } = recordingLogger()
    const broken = { name: 'broken', check: () => Promise.reject(new Error('no route to 10.0.0.1')) }
    await using server = await makeServer({ log, readiness: [fine, broken] })
    const answer = await server.inject('/health/ready')
    expect(answer.statusCode).toBe(503)
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(answer.headers['retry-after']).toBe('5')
    const checks = [
      { name: 'fine', ok: true },
      { name: 'broken', ok: false },
    ]
    expect(answer.json()).toMatchObject({ code: 'not-ready', status: 503, checks })
    expect(answer.body).not.toContain('10.0.0.1')
    expect(lines).toContainEqual(expect.objectContaining({ msg: 'readiness check failed', check: 'broken' }))
  })

  it('gives up on a check after 2 s', async () => {
    const hangs = { name: 'hangs', check: () => new Promise<void>(() => undefined) }
    await using server = await makeServer({ readiness: [hangs] })
    expect((await server.inject('/health/ready')).statusCode).toBe(503)
  })

  it('survives a check that throws at once', async () => {
    const throws: ReadinessCheck = {
      name: 'throws',
      check() {
        throw new Error('at once')
      },
    }
    await using server = await makeServer({ readiness: [throws] })
    expect((await server.inject('/health/ready')).statusCode).toBe(503)
  })

  it('looks once for all who ask at the same time', async () => {
    let looks = 0
    const { promise: done, resolve } = Promise.withResolvers<void>()
    const check = () => {
      looks++
      return done
    }
    const slow: ReadinessCheck = { name: 'slow', check }
    await using server = await makeServer({ readiness: [slow] })
    const answers = Array.from({ length: 10 }, () => server.inject('/health/ready'))
    setImmediate(resolve)
    for (const answer of answers) expect((await answer).statusCode).toBe(200)
    expect(looks).toBe(1)
  })

  it('answers shutting-down once the server drains', async () => {
    await using server = await makeServer({ readiness: [fine] })
    const { url } = await listen(server)
    const closed = drainServer(server, { announceMs: 1000 })
    const answer = await fetch(`${url}/health/ready`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({ code: 'shutting-down' })
    await closed
  })
})

describe('GET /metrics', () => {
  it('counts requests by method, pattern and status, and tells nothing of tenants or addresses', async () => {
    await using server = await makeServer()
    server.get('/items/:id', { schema: named('item') }, async () => ({}))
    for (const url of ['/items/secret-1', '/items/secret-2?tenant=secret', '/secret'])
      await server.inject(url)
    const answer = await server.inject('/metrics')
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8')
    expect(answer.body).not.toContain('secret')
    const labels = 'method="GET",route="/items/:id",status="200"'
    expect(answer.body).toContain(`http_request_duration_seconds_count{${labels}} 2`)
    expect(answer.body).toContain(`http_request_duration_seconds_bucket{${labels},le="+Inf"} 2`)
    expect(answer.body).toContain(
      'http_request_duration_seconds_count{method="GET",route="unmatched",status="404"} 1',
    )
    expect(answer.body).toContain('process_cpu_seconds_total')
  })

  it('is valid: buckets only grow, and the last equals the count', async () => {
    await using server = await makeServer()
    for (let request = 0; request < 20; request++) await server.inject('/health/live')
    const { body } = await server.inject('/metrics')
    const numbers = [...body.matchAll(/_bucket\{[^}]*live[^}]*\} (\d+)/g)].map(([, count]) => Number(count))
    expect(numbers).toHaveLength(12)
    expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    expect(numbers.at(-1)).toBe(20)
  })

  it('B20: has as many series as routes, whoever calls', async () => {
    await using server = await makeServer()
    server.get('/items/:id', { schema: named('item') }, async () => ({}))
    const series = async () =>
      (await server.inject('/metrics')).body.match(/http_request_duration_seconds_count/g)?.length
    await server.inject('/items/0')
    await server.inject('/metrics')
    const before = await series()
    for (let item = 0; item < 200; item++) await server.inject(`/items/${item}`)
    expect(await series()).toBe(before)
  })

  it('keeps to its own registry, and takes one that features filled', async () => {
    const metrics = new Registry()
    await using first = await makeServer({ metrics })
    await using second = await makeServer()
    await first.inject('/health/live')
    expect((await second.inject('/metrics')).body).not.toContain('/health/live')
    expect(await metrics.metrics()).toContain('/health/live')
  })
})
