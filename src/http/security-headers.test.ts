import { describe, expect, it } from 'vitest'
import type { HttpServer } from './index.ts'
import { listen, makeServer, named, parseAnswer, sendRaw } from './test-support.ts'

const EXPECTED = {
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
}

async function makeRoutes(hsts = false): Promise<HttpServer> {
  const server = await makeServer({ hsts })
  server.get('/ok', { schema: named('ok') }, async () => ({}))
  server.get('/fails', { schema: named('fails') }, async () => {
    throw new Error('secret')
  })
  server.get('/keys', { schema: named('keys') }, async (_request, reply) => {
    reply.header('cache-control', 'public, max-age=300')
    return {}
  })
  return server
}

describe('C20: headers of every answer', () => {
  it.each([
    ['200', 'GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['404', 'GET /none HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['405', 'POST /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['500', 'GET /fails HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['400', 'GET /%zz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
    ['400', 'GARBAGE\r\n\r\n'],
    ['431', `GET / HTTP/1.1\r\nHost: a\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`],
  ])('are there with %s', async (status, message) => {
    await using server = await makeRoutes()
    const { port } = await listen(server)
    const answer = parseAnswer(await sendRaw(port, message))
    expect(String(answer.status)).toBe(status)
    expect(answer.headers).toMatchObject(EXPECTED)
    expect(answer.headers).toHaveProperty('x-request-id')
    for (const name of ['server', 'x-powered-by', 'strict-transport-security']) {
      expect(answer.headers).not.toHaveProperty(name)
    }
  })

  it('include Strict-Transport-Security where it is asked for', async () => {
    await using server = await makeRoutes(true)
    for (const url of ['/ok', '/none']) {
      const { headers } = await server.inject(url)
      expect(headers['strict-transport-security']).toBe('max-age=63072000; includeSubDomains')
    }
  })

  it('leave a route to replace one', async () => {
    await using server = await makeRoutes()
    expect((await server.inject('/keys')).headers['cache-control']).toBe('public, max-age=300')
  })
})

describe('C17: other origins', () => {
  it.each(['null', 'https://evil.example'])('tells origin %s nothing', async (origin) => {
    await using server = await makeRoutes()
    const preflight = { origin, 'access-control-request-method': 'PUT', cookie: 'a=b' }
    for (const method of ['GET', 'OPTIONS'] as const) {
      const { headers } = await server.inject({ method, url: '/ok', headers: preflight })
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })
})
