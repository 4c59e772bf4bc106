import { setImmediate as nextTurn } from 'node:timers/promises'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { currentContext, describeWork } from '../platform/index.ts'
import { createGuard, Exactly } from './index.ts'
import {
  type LogLine,
  listen,
  makeServer,
  named,
  parseAnswer,
  recordingLogger,
  sendRaw,
} from './test-support.ts'

const access = (lines: readonly LogLine[]) => lines.filter((line) => line.msg === 'request')

describe('the context of the work', () => {
  it('reaches guards and handlers, also past a body that streams in', async () => {
    const { log, lines } = recordingLogger()
    await using server = await makeServer({ log })
    const guard = createGuard([], async () => {
      await nextTurn()
      describeWork({ tenant_id: 'tenant', user_id: 'user' })
    })
    const schema = { ...named('echo'), body: Exactly({ text: Type.String() }) }
    server.post('/echo', { onRequest: guard.onRequest, schema }, async () => {
      const before = currentContext()
      await nextTurn()
      return { same: before === currentContext(), ...currentContext() }
    })
    const { url } = await listen(server)
    const body = new ReadableStream({
      async start(stream) {
        for (const part of ['{"te', 'xt":', '"x"', '}']) {
          stream.enqueue(Buffer.from(part))
          await nextTurn()
        }
        stream.close()
      },
    })
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/echo`, { method: 'POST', headers, body, duplex: 'half' })
    const known = { request_id: answer.headers.get('x-request-id'), tenant_id: 'tenant', user_id: 'user' }
    expect(await answer.json()).toEqual({ same: true, ...known })
    await until(() => access(lines).length > 0)
    expect(access(lines)).toMatchObject([known])
  })

  it('B12: never mixes the requests of one moment', async () => {
    await using server = await makeServer()
    const guard = createGuard([], async (request) => {
      const tenant = String(request.headers['x-tenant'])
      await nextTurn()
      describeWork({ tenant_id: tenant })
    })
    server.get('/', { onRequest: guard.onRequest, schema: named('root') }, async () => {
      for (let turn = 0; turn < 3; turn++) await nextTurn()
      return currentContext()
    })
    const tenants = Array.from({ length: 200 }, (_, index) => `tenant-${index % 20}`)
    const seen = tenants.map(async (tenant) => {
      const answer = await server.inject({ url: '/', headers: { 'x-tenant': tenant } })
      return answer.json().tenant_id
    })
    expect(await Promise.all(seen)).toEqual(tenants)
  })
})

describe('late handlers', () => {
  const limits = { handlerTimeoutMs: 20, checkIntervalMs: 5 }

  it('are answered for with 503, once, and what they say later is dropped', async () => {
    const { log, lines } = recordingLogger()
    await using server = await makeServer({ log, limits })
    const late = Promise.withResolvers<object>()
    server.get('/late', { schema: named('late') }, () => late.promise)
    const { url } = await listen(server)
    const answer = await fetch(`${url}/late`)
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('5')
    expect(await answer.json()).toMatchObject({ code: 'overloaded' })
    late.resolve({ too: 'late' })
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
    expect(access(lines).filter((line) => line['route'] === '/late')).toHaveLength(1)
  })

  it('get the time that their route asks for', async () => {
    await using server = await makeServer({ limits })
    const { promise: later, resolve } = Promise.withResolvers<void>()
    server.get('/patient', { schema: named('patient'), config: { timeoutMs: 20_000 } }, async () => {
      await later
      return {}
    })
    server.get('/late', { schema: named('late') }, () => new Promise(() => undefined))
    const { url } = await listen(server)
    const patient = fetch(`${url}/patient`)
    expect((await fetch(`${url}/late`)).status).toBe(503)
    resolve()
    expect((await patient).status).toBe(200)
  })

  it('cannot ask for more than a silent connection gets', async () => {
    await using server = await makeServer()
    const config = { timeoutMs: 30_000 }
    expect(() => server.get('/', { schema: named('root'), config }, async () => ({}))).toThrow('timeoutMs')
  })
})

it('answers errors of the body without closing a connection that is in order', async () => {
  await using server = await makeServer()
  server.post('/', { schema: { ...named('root'), body: Exactly({}) } }, async () => ({}))
  const { port } = await listen(server)
  const post = (body: string, extra = '') =>
    `POST / HTTP/1.1\r\nHost: a\r\n${extra}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  const text = await sendRaw(port, post('{') + post('{"\\u0000":1}') + post('{}', 'Connection: close\r\n'))
  expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['400', '422', '200'])
})

it('answers a pipelined request before one that is refused with its connection', async () => {
  await using server = await makeServer()
  let runs = 0
  server.get('/', { schema: named('root') }, async () => ({ runs: ++runs }))
  const { port } = await listen(server)
  const good = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  const text = await sendRaw(port, `${good}GET / HTTP/1.1\r\n\r\n${good}`)
  expect([...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '400'])
  expect(parseAnswer(text).headers['connection']).toBe('keep-alive')
  expect(runs).toBe(1)
})

/** Waits for something that the server does by itself. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await nextTurn()
}
