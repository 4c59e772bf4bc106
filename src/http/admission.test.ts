import { Readable } from 'node:stream'
import { gzipSync } from 'node:zlib'
import { Type } from 'typebox'
import { describe, expect, it } from 'vitest'
import { createGuard, Exactly, type HttpServer } from './index.ts'
import { listen, makeServer, named } from './test-support.ts'

async function makeEcho(): Promise<HttpServer> {
  const server = await makeServer()
  const schema = { ...named('echo'), body: Exactly({ text: Type.String() }) }
  server.post('/echo', { schema, bodyLimit: 1000 }, async (request) => request.body)
  server.post('/large', { schema: { ...schema, operationId: 'large' } }, async (request) => request.body)
  server.get(
    '/items/:id',
    { schema: { ...named('item'), params: Exactly({ id: Type.String() }) } },
    async () => ({}),
  )
  return server
}

describe('C8: large and encoded bodies', () => {
  const tooLarge = JSON.stringify({ text: 'a'.repeat(1024 * 1024) })

  it.each([
    ['by its length', tooLarge, { duplex: 'half' as const }],
    [
      'as it streams',
      new ReadableStream({ start: (stream) => streamOut(stream, tooLarge) }),
      { duplex: 'half' as const },
    ],
  ])('refuses a body of more than 1 MiB %s with 413', async (_, body, options) => {
    await using server = await makeEcho()
    const { url } = await listen(server)
    const headers = { 'content-type': 'application/json' }
    const answer = await fetch(`${url}/large`, { method: 'POST', headers, body, ...options })
    expect(answer.status).toBe(413)
    expect(answer.headers.get('connection')).toBe('close')
    expect(await answer.json()).toMatchObject({ code: 'payload-too-large' })
  })

  it.each([
    [{ 'content-length': '1001' }, 413],
    [{ 'content-length': '1000' }, 400],
  ])('takes a limit of the route: %j is %i', async (headers, status) => {
    await using server = await makeEcho()
    const answer = await server.inject({
      method: 'POST',
      url: '/echo',
      headers: { 'content-type': 'application/json', ...headers },
      payload: Readable.from(['{']),
    })
    expect(answer.statusCode).toBe(status)
  })

  it('looks at the length before the guard does', async () => {
    await using server = await makeServer()
    let asked = false
    const guard = createGuard([], async () => {
      asked = true
    })
    server.post('/', { onRequest: guard.onRequest, schema: named('guarded') }, async () => ({}))
    const headers = { 'content-type': 'application/json', 'content-length': '2000000' }
    const answer = await server.inject({ method: 'POST', url: '/', headers, payload: '{}' })
    expect(answer.statusCode).toBe(413)
    expect(asked).toBe(false)
  })

  it.each(['gzip', 'br', 'deflate', 'gzip, gzip', 'x'])(
    'refuses %s with 415 and never unpacks it',
    async (encoding) => {
      await using server = await makeEcho()
      const answer = await server.inject({
        method: 'POST',
        url: '/large',
        headers: { 'content-type': 'application/json', 'content-encoding': encoding },
        payload: gzipSync(JSON.stringify({ text: 'a'.repeat(10_000_000) })),
      })
      expect(answer.statusCode).toBe(415)
      expect(answer.json()).toMatchObject({ code: 'unsupported-media-type' })
    },
  )
})

describe('media types', () => {
  it.each([
    ['application/json', 200],
    ['application/json; charset=utf-8', 200],
    ['APPLICATION/JSON', 200],
    ['application/json;', 200],
    ['text/plain', 415],
    ['application/x-www-form-urlencoded', 415],
    ['multipart/form-data; boundary=x', 415],
    ['application/jsonx', 415],
    ['application/problem+json', 415],
    ['application/json, text/plain', 415],
    ['json', 415],
    // Fastify's own list of parsers once matched these (CVE-2025-32442, CVE-2026-25223).
    ['application/json\ta', 415],
    [' application/json', 200],
  ])('answers a body of type "%s" with %i', async (type, status) => {
    await using server = await makeEcho()
    const answer = await server.inject({
      method: 'POST',
      url: '/echo',
      headers: { 'content-type': type },
      payload: '{"text":"x"}',
    })
    expect(answer.statusCode).toBe(status)
  })

  it('refuses a body without a type', async () => {
    await using server = await makeEcho()
    const { url } = await listen(server)
    const answer = await fetch(`${url}/echo`, { method: 'POST', body: Buffer.from('{"text":"x"}') })
    expect(answer.status).toBe(415)
  })
})

describe('C10: addresses', () => {
  it.each([
    ['/items/%zz', 400],
    ['/items/%', 400],
    ['/items/%00', 400],
    ['/items/a%0d%0ab', 400],
    ['/items/%ff', 400],
    ['/items/%c0%af', 400],
    ['/items/%E2%80%AE', 400],
    ['/items/x?q=%zz', 400],
    ['/items/x?q=%00', 400],
    [`/items/${'a'.repeat(101)}`, 414],
    [`/items/x?q=${'a'.repeat(8192)}`, 414],
    ['/items/%F0%9F%A6%84', 200],
    ['/items/a%2Fb', 200],
    ['/items/x', 200],
    ['/Items/x', 404],
    ['/items/x/', 404],
    ['//items/x', 404],
    ['/items//x', 404],
    ['/items/../items/x', 404],
    ['/items/x;y=1', 200],
    ['/items;y=1/x', 404],
  ])('answers %s with %i', async (url, status) => {
    await using server = await makeEcho()
    const { port } = await listen(server)
    const answer = await request(port, url)
    expect(answer.status).toBe(status)
    if (status !== 200) expect(answer.type).toBe('application/problem+json; charset=utf-8')
  })
})

describe('C16: Accept', () => {
  it.each([
    [undefined, 200],
    ['*/*', 200],
    ['application/*', 200],
    ['application/json', 200],
    ['application/problem+json', 200],
    ['text/html, application/json;q=0.9', 200],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 200],
    ['APPLICATION/JSON', 200],
    ['application/xml', 406],
    ['image/png', 406],
    ['text/html', 406],
    ['application/json;q=0', 406],
    ['*/*;q=0', 406],
    ['application/json;q=0, */*', 406],
    ['nonsense', 406],
  ])('answers %s with %i', async (accept, status) => {
    await using server = await makeEcho()
    const answer = await server.inject({ url: '/items/x', headers: accept === undefined ? {} : { accept } })
    expect(answer.statusCode).toBe(status)
    if (status === 406) expect(answer.json()).toMatchObject({ code: 'not-acceptable' })
  })
})

function streamOut(stream: ReadableStreamDefaultController, text: string): void {
  for (let at = 0; at < text.length; at += 65_536) stream.enqueue(Buffer.from(text.slice(at, at + 65_536)))
  stream.close()
}

/** Asks without `fetch`, which would tidy the address first. */
async function request(
  port: number,
  path: string,
): Promise<{ status: number | undefined; type: string | undefined }> {
  const { get } = await import('node:http')
  return new Promise((resolve, reject) => {
    get({ port, path, host: '127.0.0.1' }, (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode, type: answer.headers['content-type'] })
    }).on('error', reject)
  })
}
