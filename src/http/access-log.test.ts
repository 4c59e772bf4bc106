import { connect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isId } from '../platform/index.ts'
import { Exactly } from './index.ts'
import { type LogLine, listen, makeServer, named, recordingLogger } from './test-support.ts'

const access = (lines: readonly LogLine[]) => lines.filter((line) => line.msg === 'request')

describe('C15: request ids', () => {
  it.each([
    ['another id', '01890000-0000-7000-8000-000000000000'],
    ['10 KB', 'a'.repeat(10_000)],
    ['JSON', '{"a":1}'],
    ['terminal codes', '\u00a0[31mred'],
  ])('replaces %s of the client by one of ours', async (_, given) => {
    const { log, lines } = recordingLogger()
    await using server = await makeServer({ log })
    const answer = await server.inject({ url: '/health/live', headers: { 'x-request-id': given } })
    const id = answer.headers['x-request-id']
    expect(isId(id)).toBe(true)
    expect(id).not.toBe(given)
    expect(access(lines)).toMatchObject([{ request_id: id }])
    expect(JSON.stringify(lines)).not.toContain(given.slice(0, 100))
  })
})

describe('the access log', () => {
  it('has one line per request, with the pattern instead of the address', async () => {
    const { log, lines } = recordingLogger()
    await using server = await makeServer({ log })
    server.get('/items/:id', { schema: named('item') }, async () => ({}))
    await server.inject('/items/secret-path?token=secret-query')
    await server.inject('/secret-path?token=secret-query')
    expect(access(lines)).toMatchObject([
      { method: 'GET', route: '/items/:id', status: 200, duration_ms: expect.any(Number) },
      { method: 'GET', route: 'unmatched', status: 404 },
    ])
    expect(JSON.stringify(lines)).not.toContain('secret')
  })

  it('I15: costs one short line for a refused request, however large that was', async () => {
    const { log, lines } = recordingLogger()
    await using server = await makeServer({ log })
    server.post('/echo', { schema: { ...named('echo'), body: Exactly({}) } }, async () => ({}))
    const json = { 'content-type': 'application/json' }
    const refused = [
      { url: `/${'a'.repeat(8000)}` },
      { url: `/${'a'.repeat(9000)}` },
      { url: '/%zz' },
      { method: 'POST', url: '/echo', headers: json, payload: `{"${'k'.repeat(100_000)}":1}` },
      { method: 'POST', url: '/echo', headers: json, payload: '['.repeat(10_000) },
      { method: 'POST', url: '/echo', headers: json, payload: JSON.stringify('x'.repeat(2_000_000)) },
      { url: '/echo', headers: { 'user-agent': 'u'.repeat(10_000), cookie: 'c'.repeat(5000) } },
    ] as const
    for (const request of refused) {
      expect((await server.inject({ ...request })).statusCode).toBeGreaterThanOrEqual(400)
    }
    expect(lines).toHaveLength(refused.length)
    for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(300)
  })

  it('is silent above info', async () => {
    const { log, lines } = recordingLogger('warn')
    await using server = await makeServer({ log })
    await server.inject('/health/live')
    expect(lines).toEqual([])
  })

  it('tells of a client that went away', async () => {
    const { log, lines } = recordingLogger()
    await using server = await makeServer({ log })
    const began = Promise.withResolvers<void>()
    server.get('/slow', { schema: named('slow') }, () => {
      began.resolve()
      return new Promise(() => undefined)
    })
    const { port } = await listen(server)
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await began.promise
    socket.destroy()
    await until(() => access(lines).length > 0)
    expect(access(lines)).toMatchObject([{ route: '/slow', aborted: true, status: 499 }])
  })

  it('ends pipelined requests that were answered in vain, because one before them was not', async () => {
    const { log, lines } = recordingLogger()
    await using server = await makeServer({ log, limits: { checkIntervalMs: 5 } })
    const answered = Promise.withResolvers<void>()
    server.get('/slow', { schema: named('slow') }, () => new Promise(() => undefined))
    server.get('/quick', { schema: named('quick') }, async () => {
      setImmediate(answered.resolve)
      return {}
    })
    const { port } = await listen(server)
    const socket = connect(port, '127.0.0.1')
    socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\nGET /quick HTTP/1.1\r\nHost: a\r\n\r\n')
    await answered.promise
    socket.destroy()
    await until(() => access(lines).length === 2)
    expect(access(lines).every((line) => line['aborted'])).toBe(true)
  })
})

/** Waits for something that the server does by itself. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn()
}
