import { describe, expect, it } from 'vitest'
import { IdempotencyKeyHeaders, readIdempotencyKey } from './idempotency-key.ts'
import { responses } from './responses.ts'
import { Exactly } from './schemas.ts'
import { listen, makeServer, named, parseAnswer, sendRaw } from './test-support.ts'

/** A server with one route that takes the header and tells the key. */
async function makeKeyed() {
  const server = await makeServer({ docs: true })
  server.post(
    '/keyed',
    {
      preValidation: async (request) => void readIdempotencyKey(request),
      schema: {
        ...named('keyed'),
        headers: IdempotencyKeyHeaders,
        body: Exactly({}),
        response: responses({ 200: Exactly({}) }),
      },
    },
    async (request, reply) => {
      reply.header('x-key', readIdempotencyKey(request) ?? 'none')
      return {}
    },
  )
  return server
}

const MALFORMED = {
  code: 'malformed-request',
  detail: 'Send one "Idempotency-Key" of 1 to 255 visible ASCII characters, or none.',
}

describe('Idempotency-Key', () => {
  it.each([
    [undefined, 'none'],
    ['a', 'a'],
    ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['"8e03978e-40d5-43e8-bc93-6894a57f9324"', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['"say \\"hi\\" \\\\"'.replaceAll(' ', '_'), 'say_"hi"_\\'],
    ['ends-with"', 'ends-with"'],
    ['k'.repeat(255), 'k'.repeat(255)],
    [`"${'\\"'.repeat(255)}"`, '"'.repeat(255)],
    ['__proto__', '__proto__'],
  ])('%j is the key %s', async (value, key) => {
    await using server = await makeKeyed()
    const headers = { ...(value !== undefined && { 'idempotency-key': value }) }
    const answer = await server.inject({ method: 'POST', url: '/keyed', headers, payload: {} })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['x-key']).toBe(key)
  })

  it.each([
    '',
    ' ',
    'two words',
    'k'.repeat(256),
    `"${'k'.repeat(256)}"`,
    '""',
    '"open',
    '"two words"',
    '"inner"quote"',
    '"bad\\escape"',
    '"key";parameter=1',
    '"one", "two"',
    'tab\there',
    'ü',
    'key\u007f',
  ])('%j is refused, before a body that is wrong too: 400', async (value) => {
    await using server = await makeKeyed()
    const headers = { 'idempotency-key': value }
    const answer = await server.inject({ method: 'POST', url: '/keyed', headers, payload: { wrong: true } })
    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject(MALFORMED)
  })

  it('is refused when it comes twice: 400', async () => {
    await using server = await makeKeyed()
    const { port } = await listen(server)
    const head = 'POST /keyed HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n'
    const keys = 'Idempotency-Key: one\r\nIdempotency-Key: one\r\n'
    const answer = parseAnswer(await sendRaw(port, `${head}${keys}Content-Length: 2\r\n\r\n{}`))
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toMatchObject(MALFORMED)
  })

  it('is an optional header in the description of the API', async () => {
    await using server = await makeKeyed()
    const document = (await server.inject('/openapi.json')).json()
    expect(document.paths['/keyed'].post.parameters).toMatchObject([
      { in: 'header', name: 'Idempotency-Key', required: false, schema: { type: 'string', minLength: 1 } },
    ])
  })
})
