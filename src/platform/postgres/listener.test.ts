import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, inject, it } from 'vitest'
import { createTestDatabase, onServer, type TestDatabase } from '../../../test/support/databases.ts'
import { MAINTENANCE_TIMEOUTS, REQUEST_TIMEOUTS, withConnection } from './connection.ts'
import { createListener, type Listener, type ListenerOptions } from './listener.ts'

const APPLICATION = 'listener test'
const CHANNEL = 'a_channel'
const PATIENCE = { timeout: 15_000, interval: 20 }

let database: TestDatabase
let listener: Listener | undefined
let told: string[] = []
const stop: (() => void)[] = []
beforeEach(async () => {
  told = []
  database = await createTestDatabase()
})
afterEach(async () => {
  await listener?.close()
  for (const end of stop.splice(0)) end()
  await database.drop()
})

function listen(url = database.url, options: Partial<ListenerOptions> = {}): Listener {
  listener = createListener({
    connection: { url, applicationName: APPLICATION, timeouts: { ...REQUEST_TIMEOUTS, connect: 30_000 } },
    channel: CHANNEL,
    onNotification: (payload) => told.push(payload),
    onReady: () => told.push('ready'),
    onLost: () => told.push('lost'),
    ...options,
  })
  return listener
}

const toHaveTold = (...words: string[]) => expect.poll(() => told, PATIENCE).toEqual(words)

async function notify(payload: string): Promise<void> {
  const options = { url: database.url, applicationName: 'sender', timeouts: MAINTENANCE_TIMEOUTS }
  await withConnection(options, (sender) => sender.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]))
}

async function kill(): Promise<void> {
  await onServer((server) =>
    server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      APPLICATION,
    ]),
  )
}

async function backends(): Promise<number> {
  const { rows } = await onServer((server) =>
    server.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [APPLICATION]),
  )
  return rows.length
}

/** A server on a port of its own; what is still connected is cut at the end of the test. */
async function serve(onConnection: (socket: Socket) => void): Promise<{ server: Server; url: string }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onConnection(socket)
  })
  stop.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = new URL(database.url)
  url.hostname = '127.0.0.1'
  url.port = String((server.address() as AddressInfo).port)
  return { server, url: url.href }
}

/** Between listener and server; `freeze` makes the connections that it has half-open: open, and silent. */
async function startProxy(): Promise<{ url: string; freeze(): void }> {
  const { hostname, port } = new URL(inject('postgresUrl'))
  const pairs: [Socket, Socket][] = []
  const { url } = await serve((socket) => {
    const upstream = connect(Number(port), hostname)
    upstream.on('error', () => socket.destroy())
    socket.on('close', () => upstream.destroy())
    upstream.on('close', () => socket.destroy())
    socket.pipe(upstream).pipe(socket)
    pairs.push([socket, upstream])
  })
  const freeze = () => {
    for (const [socket, upstream] of pairs.splice(0)) {
      socket.unpipe().pause()
      upstream.unpipe().pause()
    }
  }
  return { url, freeze }
}

describe('a listener', () => {
  it('says when it listens, and from then on tells every message', async () => {
    listen()
    await toHaveTold('ready')
    await notify('one')
    await notify('two')
    await toHaveTold('ready', 'one', 'two')
  })

  it('J3 whose backend is killed says so and listens again, again and again', async () => {
    listen()
    await toHaveTold('ready')
    await kill()
    await toHaveTold('ready', 'lost', 'ready')
    await kill()
    await toHaveTold('ready', 'lost', 'ready', 'lost', 'ready')
    await notify('back')
    await toHaveTold('ready', 'lost', 'ready', 'lost', 'ready', 'back')
  })

  it('J11 notices a connection that is open but silent', async () => {
    const { url, freeze } = await startProxy()
    listen(url, { heartbeatMs: 500 })
    await toHaveTold('ready')
    freeze()
    await toHaveTold('ready', 'lost', 'ready')
    await notify('back')
    await toHaveTold('ready', 'lost', 'ready', 'back')
  })

  it('stays with a connection that answers, however long nothing is told', async () => {
    listen(database.url, { heartbeatMs: 20 })
    await toHaveTold('ready')
    const started = Date.now()
    await expect.poll(() => Date.now() - started, PATIENCE).toBeGreaterThan(500)
    await notify('still here')
    expect(told[0]).toBe('ready')
    await expect.poll(() => told.at(-1), PATIENCE).toBe('still here')
  })

  it('J23 tries until a server that refused it lets it in', async () => {
    const name = new URL(database.url).pathname.slice(1)
    const letIn = (yes: boolean) =>
      onServer((server) => server.query(`ALTER DATABASE "${name}" ALLOW_CONNECTIONS ${yes}`))
    await letIn(false)
    let tries = 0
    listen(database.url, { random: () => Math.min(++tries, 0) })
    await expect.poll(() => tries, PATIENCE).toBeGreaterThan(2)
    expect(told).toEqual([])
    await letIn(true)
    await toHaveTold('ready')
  })
})

describe('closing a listener', () => {
  /** The end of `close`, generously before any time-out of the connection. */
  async function expectPromptEnd(): Promise<void> {
    const started = performance.now()
    await listener?.close()
    expect(performance.now() - started).toBeLessThan(10_000)
  }

  it('ends its backend, tells no loss, and may be repeated', async () => {
    listen()
    await toHaveTold('ready')
    await expectPromptEnd()
    await expectPromptEnd()
    await expect.poll(backends, PATIENCE).toBe(0)
    expect(told).toEqual(['ready'])
  })

  it('before it ever listened leaves nothing behind', async () => {
    listen()
    await expectPromptEnd()
    await expect.poll(backends, PATIENCE).toBe(0)
    expect(told).toEqual([])
  })

  it('J11 does not wait for a server that says nothing', async () => {
    const connected = Promise.withResolvers<void>()
    const { url } = await serve(() => connected.resolve())
    listen(url)
    await connected.promise
    await expectPromptEnd()
    expect(told).toEqual([])
  })

  it('J11 does not wait for a server that says nothing any more', async () => {
    const { url, freeze } = await startProxy()
    listen(url, { heartbeatMs: 60_000 })
    await toHaveTold('ready')
    freeze()
    await expectPromptEnd()
    expect(told).toEqual(['ready'])
  })

  it.each(['postgres://nobody@127.0.0.1:1/nothing', 'no address at all'])(
    'does not wait for %s',
    async (url) => {
      let tries = 0
      listen(url, { random: () => Math.min(++tries, 1) })
      await expect.poll(() => tries, PATIENCE).toBeGreaterThan(1)
      await expectPromptEnd()
      expect(told).toEqual([])
    },
  )
})
