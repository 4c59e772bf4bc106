import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { listen, makeServer, named, parseAnswer, recordingLogger, sendRaw } from './test-support.ts'

const HOST = 'Host: localhost\r\n'
const CHUNKED = `POST /count HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n`

/** A server that counts how often its routes run. */
async function countingServer(options: Parameters<typeof makeServer>[0] = {}) {
  const server = await makeServer(options)
  let runs = 0
  const count = async () => {
    runs++
    return {}
  }
  server.get('/count', { schema: named('count') }, count)
  server.post('/count', { schema: named('countPost') }, count)
  server.get('/', { schema: named('root') }, count)
  return { server, port: (await listen(server)).port, runs: () => runs }
}

describe('C11: messages whose syntax is in doubt', () => {
  it.each([
    ['CL and TE', `${CHUNKED}Content-Length: 4\r\n\r\n0\r\n\r\n`],
    ['TE twice', `${CHUNKED}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    [
      'TE chunked, chunked',
      `POST /count HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
    ],
    ['TE gzip, chunked', `POST /count HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['TE identity', `POST /count HTTP/1.1\r\n${HOST}Transfer-Encoding: identity\r\n\r\n`],
    ['CL twice', `POST /count HTTP/1.1\r\n${HOST}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}`],
    ['CL +2', `POST /count HTTP/1.1\r\n${HOST}Content-Length: +2\r\n\r\n{}`],
    ['a bad chunk size', `${CHUNKED}\r\nZZ\r\nabc\r\n0\r\n\r\n`],
    ['a chunk size that overflows', `${CHUNKED}\r\nFFFFFFFFFFFFFFFFFF\r\n{}\r\n0\r\n\r\n`],
    ['a chunk that ends in LF', `${CHUNKED}\r\n2\n{}\r\n0\r\n\r\n`],
    ['obs-fold', `GET /count HTTP/1.1\r\n${HOST}X-A: b\r\n c\r\n\r\n`],
    ['bare LF', 'GET /count HTTP/1.1\nHost: localhost\n\n'],
    ['bare LF after a header', `GET /count HTTP/1.1\r\n${HOST}X: b\n\r\n`],
    ['a space before the colon', `GET /count HTTP/1.1\r\n${HOST}X : b\r\n\r\n`],
    ['NUL in a header', `GET /count HTTP/1.1\r\n${HOST}X: a\0b\r\n\r\n`],
    ['no Host', 'GET /count HTTP/1.1\r\n\r\n'],
    ['two Hosts', `GET /count HTTP/1.1\r\n${HOST}host: other\r\n\r\n`],
    ['an absolute-form target', `GET http://localhost/count HTTP/1.1\r\n${HOST}\r\n`],
    ['an asterisk-form target', `OPTIONS * HTTP/1.1\r\n${HOST}\r\n`],
    ['CONNECT', `CONNECT localhost:443 HTTP/1.1\r\n${HOST}\r\n`],
    ['HTTP/0.9', 'GET /count\r\n\r\n'],
    ['HTTP/1.2', `GET /count HTTP/1.2\r\n${HOST}\r\n`],
    ['HTTP/2.0', `GET /count HTTP/2.0\r\n${HOST}\r\n`],
    ['an HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['TRACK', `TRACK /count HTTP/1.1\r\n${HOST}\r\n`],
    ['UTF-8 in the path', `GET /\xc3\xa9 HTTP/1.1\r\n${HOST}\r\n`],
    ['no HTTP at all', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc'],
  ])('answers %s with 400, closes, and reads nothing more', async (_, message) => {
    const { server, port, runs } = await countingServer()
    await using _server = server
    const text = await sendRaw(port, `${message}GET /count HTTP/1.1\r\n${HOST}\r\n`)
    expect(text.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    const { status, headers, body } = parseAnswer(text)
    expect(status).toBe(400)
    expect(headers).toMatchObject({
      connection: 'close',
      'content-type': 'application/problem+json; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    const id = headers['x-request-id']
    expect(JSON.parse(body)).toMatchObject({
      code: 'malformed-request',
      status: 400,
      instance: `urn:uuid:${id}`,
    })
    expect(runs()).toBe(0)
  })

  it('answers an earlier message of the same connection first, and the broken one not at all', async () => {
    await using server = await makeServer()
    const { promise: mayAnswer, resolve: answer } = Promise.withResolvers<void>()
    const { promise: began, resolve: begin } = Promise.withResolvers<void>()
    server.get('/slow', { schema: named('slow') }, async () => {
      begin()
      await mayAnswer
      return { slow: true }
    })
    const { port } = await listen(server)
    const text = sendRaw(
      port,
      `GET /slow HTTP/1.1\r\n${HOST}\r\nGET / HTTP/9\r\n\r\nGET /slow HTTP/1.1\r\n${HOST}\r\n`,
    )
    await began
    answer()
    expect(parseAnswer(await text)).toMatchObject({
      status: 200,
      headers: { connection: 'close' },
      body: '{"slow":true}',
    })
  })
})

describe('C10: messages that are too large', () => {
  it.each([
    [
      'a header of 17 KB',
      `GET / HTTP/1.1\r\n${HOST}X: ${'a'.repeat(17_000)}\r\n\r\n`,
      431,
      'headers-too-large',
    ],
    ['2000 headers', `GET / HTTP/1.1\r\n${HOST}${'a:b\r\n'.repeat(2000)}\r\n`, 431, 'headers-too-large'],
    ['101 headers', `GET / HTTP/1.1\r\n${HOST}${'a:b\r\n'.repeat(100)}\r\n`, 431, 'headers-too-large'],
    ['a path of 10 KB', `GET /${'a'.repeat(10_000)} HTTP/1.1\r\n${HOST}\r\n`, 414, 'uri-too-long'],
  ])('answers %s with %3$i', async (_, message, status, code) => {
    const { server, port } = await countingServer()
    await using _server = server
    const answer = parseAnswer(await sendRaw(port, message))
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
    expect(JSON.parse(answer.body)).toMatchObject({ code, status })
  })
})

describe('I3: messages that do not arrive', () => {
  const limits = { headersTimeoutMs: 50, requestTimeoutMs: 50, checkIntervalMs: 10 }

  it.each([
    ['headers', 'GET / HTTP/1.1\r\nHost: loc'],
    [
      'a body',
      `POST /count HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"`,
    ],
  ])('cuts off %s that never end with 408', async (_, message) => {
    const { server, port, runs } = await countingServer({ limits })
    await using _server = server
    const answer = parseAnswer(await sendRaw(port, message))
    expect(answer.status).toBe(408)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'request-timeout' })
    expect(runs()).toBe(0)
  })
})

it('outlives clients that reset what they began', async () => {
  const { server, port, runs } = await countingServer()
  await using _server = server
  for (const message of [
    `CONNECT a:1 HTTP/1.1\r\n${HOST}\r\n`,
    'nonsense\r\n',
    `GET / HTTP/1.1\r\n${HOST}\r\n`,
  ]) {
    for (let client = 0; client < 20; client++) {
      const socket = await open(port)
      socket.write(message, () => socket.resetAndDestroy())
      await once(socket, 'close')
    }
  }
  expect(parseAnswer(await sendRaw(port, `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`)).status).toBe(
    200,
  )
  expect(runs()).toBeGreaterThan(0)
})

it('C15: logs a refused message with the id that the client was told', async () => {
  const { log, lines } = recordingLogger()
  const { server, port } = await countingServer({ log })
  await using _server = server
  const { headers } = parseAnswer(await sendRaw(port, 'nonsense\r\n\r\n'))
  const about = lines.filter((line) => line['request_id'] === headers['x-request-id'])
  expect(about).toMatchObject([{ msg: 'message refused', status: 400 }])
})

async function open(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
