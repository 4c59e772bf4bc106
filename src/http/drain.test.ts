import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { describe, expect, it } from 'vitest'
import { drainServer, type HttpServer } from './index.ts'
import { listen, makeServer, named, parseAnswer } from './test-support.ts'

/** A route that answers when the test says so. */
async function makeHeld(limits = {}) {
  const server = await makeServer({ limits })
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  let running = 0
  const waiting: (() => void)[] = []
  server.get('/held', { schema: named('held') }, async () => {
    running++
    for (const wake of waiting) wake()
    await held
    return { held: true }
  })
  server.get('/quick', { schema: named('quick') }, async () => ({}))
  const { port } = await listen(server)
  const runningAre = async (count: number) => {
    while (running < count) await new Promise<void>((wake) => waiting.push(wake))
  }
  return { server, port, release, runningAre }
}

interface Answer {
  readonly status: number | undefined
  readonly connection: string | undefined
}

function ask(port: number, path: string, agent: Agent): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get({ port, path, agent, host: '127.0.0.1' }, (answer) => {
      answer.resume()
      answer.on('end', () => resolve({ status: answer.statusCode, connection: answer.headers.connection }))
    })
    request.on('error', reject)
  })
}

describe('N1: closing under load', () => {
  it('answers 50 keep-alive clients in flight with Connection: close, then ends', async () => {
    const { server, port, release, runningAre } = await makeHeld()
    const agent = new Agent({ keepAlive: true })
    const answers = Array.from({ length: 50 }, () => ask(port, '/held', agent))
    await runningAre(50)
    const closed = drainServer(server)
    release()
    for (const answer of await Promise.all(answers))
      expect(answer).toEqual({ status: 200, connection: 'close' })
    expect(await closed).toBe(0)
    agent.destroy()
  })

  it('serves what was sent before the decision, on connections new and old', async () => {
    for (let round = 0; round < 20; round++) {
      await using server = await makeServer()
      const { port } = await listen(server)
      const agent = new Agent({ keepAlive: true, maxSockets: 10 })
      await Promise.all(Array.from({ length: 10 }, () => ask(port, '/health/live', agent)))
      const fresh = connect(port, '127.0.0.1')
      await once(fresh, 'connect')
      fresh.write('GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n')
      const answers = Array.from({ length: 10 }, () => ask(port, '/health/live', agent))
      await allWritten(agent)
      const closed = server.close()
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual(Array(10).fill(200))
      const [first] = await once(fresh, 'data')
      expect(String(first)).toMatch(/^HTTP\/1\.1 200 /)
      await closed
    }
  })

  it('ends although a client never stops asking', async () => {
    const { server, port } = await makeHeld()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    let asking = true
    const client = (async () => {
      while (asking) await ask(port, '/quick', agent).catch(() => undefined)
    })()
    await ask(port, '/quick', agent)
    const start = performance.now()
    await server.close()
    expect(performance.now() - start).toBeLessThan(5000)
    asking = false
    await client
  })

  it('ends although connections never asked anything', async () => {
    await using server = await makeServer()
    const { port } = await listen(server)
    const silent = Array.from({ length: 5 }, () => connect(port, '127.0.0.1'))
    await Promise.all(silent.map((socket) => once(socket, 'connect')))
    const start = performance.now()
    await server.close()
    expect(performance.now() - start).toBeLessThan(5000)
    for (const socket of silent) socket.destroy()
  })
})

it('N3: answers 503 at the deadline to what did not finish, and says how many', async () => {
  const { server, port, runningAre } = await makeHeld()
  const agent = new Agent()
  const answers = Array.from({ length: 3 }, () => ask(port, '/held', agent))
  await runningAre(3)
  expect(await drainServer(server, { deadlineMs: 50 })).toBe(3)
  for (const answer of await Promise.all(answers))
    expect(answer).toEqual({ status: 503, connection: 'close' })
})

it('N3: cuts off at the deadline what has not even arrived', async () => {
  await using server = await makeServer()
  const { port } = await listen(server)
  const accepted = once(server.server, 'connection')
  const socket = connect(port, '127.0.0.1')
  const [peer] = await accepted
  const closed = once(socket, 'close')
  socket.on('error', () => undefined)
  await sendPart(socket, peer, 'POST /quick HTTP/1.1\r\nHo')
  await drainServer(server, { deadlineMs: 50 })
  await closed
})

it('N1: answers shutting-down to what comes later on a connection that is still open', async () => {
  const { server, port, release, runningAre } = await makeHeld()
  const agent = new Agent()
  const held = ask(port, '/held', agent)
  await runningAre(1)
  const sockets: Socket[] = []
  for (const path of ['/quick', '/health/live']) {
    const accepted = once(server.server, 'connection')
    const socket = connect(port, '127.0.0.1')
    const [peer] = await accepted
    await sendPart(socket, peer, `GET ${path} HTTP/1.1\r\nHo`)
    sockets.push(socket)
  }
  const closed = drainServer(server)
  while (server.server.listening) await new Promise(setImmediate)
  const answers = sockets.map(async (socket) => {
    let text = ''
    socket.setEncoding('utf8').on('data', (more: string) => {
      text += more
    })
    socket.write('st: a\r\n\r\n')
    await once(socket, 'close')
    return parseAnswer(text)
  })
  const [refused, live] = await Promise.all(answers)
  expect(refused).toMatchObject({ status: 503, headers: { connection: 'close', 'retry-after': '1' } })
  expect(JSON.parse(refused?.body ?? '')).toMatchObject({ code: 'shutting-down' })
  expect(live?.status).toBe(200)
  release()
  expect(await held).toEqual({ status: 200, connection: 'close' })
  expect(await closed).toBe(0)
})

it('goes on serving while it announces, one request for each connection', async () => {
  const { server, port } = await makeHeld()
  const agent = new Agent({ keepAlive: true })
  const closed = drainServer(server, { announceMs: 1000 })
  for (let request = 0; request < 3; request++) {
    expect(await ask(port, '/quick', agent)).toEqual({ status: 200, connection: 'close' })
  }
  await closed
  await expect(ask(port, '/quick', agent)).rejects.toThrow('ECONNREFUSED')
})

it('runs no pipelined request whose answer could not be delivered', async () => {
  await using server = await makeServer()
  const began = Promise.withResolvers<void>()
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const ran: string[] = []
  server.get('/:name', { schema: named('one') }, async (request) => {
    ran.push((request.params as { name: string }).name)
    began.resolve()
    await held
    return {}
  })
  const accepted = once(server.server, 'connection')
  const { port } = await listen(server)
  const socket = connect(port, '127.0.0.1')
  const [peer] = await accepted
  const message = (name: string) => `GET /${name} HTTP/1.1\r\nHost: a\r\n\r\n`
  let received = ''
  socket.on('data', (data) => {
    received += data
  })
  socket.write(message('before'))
  await began.promise
  const closed = drainServer(server, { announceMs: 1000 })
  socket.write(message('after'))
  const sent = message('before').length + message('after').length
  while (peer.bytesRead < sent) await new Promise(setImmediate)
  release()
  await once(socket, 'close')
  await closed
  expect(ran).toEqual(['before'])
  expect(received.match(/HTTP\/1\.1 200/g)).toHaveLength(1)
})

it('closes a server that never listened, and one that is closed', async () => {
  const server: HttpServer = await makeServer()
  await server.ready()
  await drainServer(server)
  await server.close()
})

/** Writes a part of a message and waits until the server has read it. */
async function sendPart(socket: Socket, peer: Socket, part: string): Promise<void> {
  socket.write(part)
  while (peer.bytesRead < part.length) await new Promise(setImmediate)
}

/** Waits until every request of the agent has left this process. */
async function allWritten(agent: Agent): Promise<void> {
  const sockets = Object.values(agent.sockets).flatMap((list) => list ?? [])
  const busy = () => sockets.some((socket) => socket.connecting || socket.writableLength > 0)
  do await new Promise(setImmediate)
  while (busy())
}
