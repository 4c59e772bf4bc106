import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { listen, makeServer, named, parseAnswer, sendRaw } from './test-support.ts'

const HOST = 'Host: localhost\r\n'

async function makePost() {
  const server = await makeServer()
  server.get('/', { schema: named('root') }, async () => ({}))
  server.post('/count', { schema: named('count') }, async () => ({}))
  return { server, port: (await listen(server)).port }
}

it('ignores an expectation that it does not know (RFC 9110, section 10.1.1)', async () => {
  const { server, port } = await makePost()
  await using _server = server
  const message = `GET / HTTP/1.1\r\n${HOST}Expect: miracles\r\nConnection: close\r\n\r\n`
  expect(parseAnswer(await sendRaw(port, message)).status).toBe(200)
})

describe('Expect: 100-continue', () => {
  const ask = (length: number) =>
    `POST /count HTTP/1.1\r\n${HOST}Content-Type: application/json\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`

  it('tells a client to go on', async () => {
    const { server, port } = await makePost()
    await using _server = server
    const socket = await open(port)
    socket.write(ask(2))
    const [first] = await once(socket, 'data')
    expect(String(first)).toBe('HTTP/1.1 100 Continue\r\n\r\n')
    socket.write('{}')
    const [second] = await once(socket, 'data')
    expect(String(second)).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('C8: spares a client a body that is too large', async () => {
    const { server, port } = await makePost()
    await using _server = server
    expect(parseAnswer(await sendRaw(port, ask(2_000_000))).status).toBe(413)
  })
})

async function open(port: number) {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}
