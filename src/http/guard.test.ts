import { describe, expect, expectTypeOf, it } from 'vitest'
import { defineErrors } from '../platform/index.ts'
import { createGuard, type HttpServer, MALFORMED_CREDENTIALS, readBearerToken } from './index.ts'
import { listen, makeServer, named, parseAnswer, sendRaw } from './test-support.ts'

const doorErrors = defineErrors({
  closed: { code: 'door-closed', status: 401, title: 'Closed', detail: 'Knock.' },
})

describe('createGuard', () => {
  const guard = createGuard([{ key: [] }], async (request) => {
    const { authorization } = request.headers
    if (authorization === undefined) throw doorErrors.closed({ headers: { 'www-authenticate': 'Bearer' } })
    return { name: authorization }
  })

  it('tells the handler whom it admitted', async () => {
    await using server = await makeServer()
    server.get('/', { onRequest: guard.onRequest, schema: named('root') }, async (request) => {
      expectTypeOf(guard.admitted(request)).toEqualTypeOf<{ name: string }>()
      return guard.admitted(request)
    })
    const answer = await server.inject({ url: '/', headers: { authorization: 'me' } })
    expect(answer.json()).toEqual({ name: 'me' })
  })

  it('keeps the handler from running, and its error names the scheme', async () => {
    await using server = await makeServer()
    let runs = 0
    server.post('/', { onRequest: guard.onRequest, schema: named('root') }, async () => ({ runs: ++runs }))
    // The body is broken too, but a stranger does not get to know.
    const answer = await server.inject({
      method: 'POST',
      url: '/',
      payload: '{',
      headers: { 'content-type': 'application/json' },
    })
    expect(answer.statusCode).toBe(401)
    expect(answer.headers['www-authenticate']).toBe('Bearer')
    expect(answer.json()).toMatchObject({ code: 'door-closed' })
    expect(runs).toBe(0)
  })

  it('makes a route fail that forgot it', async () => {
    await using server = await makeServer()
    server.get('/', { schema: named('root') }, async (request) => guard.admitted(request))
    expect((await server.inject('/')).statusCode).toBe(500)
  })

  it('can admit as nobody', async () => {
    await using server = await makeServer()
    const open = createGuard([], async () => undefined)
    server.get('/', { onRequest: open.onRequest, schema: named('root') }, async (request) => ({
      admitted: open.admitted(request) === undefined,
    }))
    expect((await server.inject('/')).json()).toEqual({ admitted: true })
  })
})

describe('A20: readBearerToken', () => {
  async function makeReader(): Promise<HttpServer> {
    const server = await makeServer()
    server.get('/', { schema: named('root') }, async (request) => {
      const token = readBearerToken(request)
      return { token: token === MALFORMED_CREDENTIALS ? 'malformed' : (token ?? 'absent') }
    })
    return server
  }

  it.each([
    [undefined, 'absent'],
    ['Bearer abc.DEF-1_~+/==', 'abc.DEF-1_~+/=='],
    ['bearer abc', 'abc'],
    ['BEARER abc', 'abc'],
    [`Bearer ${'a'.repeat(4096)}`, 'a'.repeat(4096)],
    [`Bearer ${'a'.repeat(4097)}`, 'malformed'],
    ['Bearer', 'malformed'],
    ['Bearer ', 'malformed'],
    ['Bearer  abc', 'malformed'],
    ['Bearer\tabc', 'malformed'],
    ['Bearer abc def', 'malformed'],
    ['Bearer abc, Bearer def', 'malformed'],
    ['Bearer abc,def', 'malformed'],
    ['Bearer ab=c', 'malformed'],
    ['Bearer "abc"', 'malformed'],
    ['Bearerabc', 'malformed'],
    ['Basic YTpi', 'malformed'],
    ['DPoP abc', 'malformed'],
    ['abc', 'malformed'],
    ['', 'malformed'],
  ])('reads "%s" as %s', async (authorization, token) => {
    await using server = await makeReader()
    const headers = authorization === undefined ? {} : { authorization }
    expect((await server.inject({ url: '/', headers })).json()).toEqual({ token })
  })

  it('takes no token from the query or a cookie', async () => {
    await using server = await makeReader()
    const answer = await server.inject({ url: '/?access_token=abc', headers: { cookie: 'access_token=abc' } })
    expect(answer.json()).toEqual({ token: 'absent' })
  })

  it('refuses a header that came twice, of which Node.js shows only the first', async () => {
    await using server = await makeReader()
    const { port } = await listen(server)
    const lines = [
      'GET / HTTP/1.1',
      'Host: a',
      'Authorization: Bearer a',
      'authorization: Bearer b',
      'Connection: close',
    ]
    const { body } = parseAnswer(await sendRaw(port, `${lines.join('\r\n')}\r\n\r\n`))
    expect(JSON.parse(body)).toEqual({ token: 'malformed' })
  })
})
