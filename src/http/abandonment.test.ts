import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { type Abandonment, currentAbandonment } from '../platform/index.ts'
import { createGuard, drainServer, type HttpServer, type HttpServerOptions } from './index.ts'
import { listen, makeServer, named } from './test-support.ts'

/** What the route of a test was given to hear with, in its guard and in its handler. */
interface Heard {
  readonly guard: Abandonment
  readonly handler: Abandonment
  readonly abandoned: string[]
}

/** A server whose `/held` answers when the test says so. */
async function makeHeld(options: Partial<HttpServerOptions> = {}) {
  const server = await makeServer(options)
  const begun = Promise.withResolvers<Heard>()
  const { promise: held, resolve: release } = Promise.withResolvers<void>()
  const abandoned: string[] = []
  const listenAs = (name: string) => {
    const abandonment = currentAbandonment()
    if (!abandonment) throw new Error(`the ${name} cannot hear`)
    abandonment.on(() => abandoned.push(name))
    return abandonment
  }
  const guard = createGuard([], async () => {
    await nextTurn()
    return listenAs('guard')
  })
  server.get('/held', { onRequest: guard.onRequest, schema: named('held') }, async (request) => {
    await nextTurn()
    begun.resolve({ guard: guard.admitted(request), handler: listenAs('handler'), abandoned })
    await held
    return { held: true }
  })
  return { server, release, begun: begun.promise }
}

async function askHeld(server: HttpServer): Promise<Socket> {
  const { port } = await listen(server)
  const socket = connect(port, '127.0.0.1')
  socket.write('GET /held HTTP/1.1\r\nHost: a\r\n\r\n')
  return socket
}

describe('work whose client', () => {
  it('hung up hears it, in the guard as in the handler', async () => {
    const { server, release, begun } = await makeHeld()
    await using _server = server
    const socket = await askHeld(server)
    const { guard, handler, abandoned } = await begun
    expect(handler.isAbandoned).toBe(false)
    socket.destroy()
    while (abandoned.length < 2) await nextTurn()
    expect(abandoned).toEqual(['guard', 'handler'])
    expect(guard).toBe(handler)
    expect(handler.isAbandoned).toBe(true)
    release()
  })

  it('has its answer hears nothing, also when it hangs up then', async () => {
    const { server, release, begun } = await makeHeld()
    await using _server = server
    const socket = await askHeld(server)
    const { handler, abandoned } = await begun
    release()
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /)
    const ended = once(socket, 'close')
    socket.destroy()
    await ended
    while ((await connectionsOf(server)) > 0) await nextTurn()
    expect(abandoned).toEqual([])
    expect(handler.isAbandoned).toBe(false)
  })

  it('was answered 503 because it was late hears it once', async () => {
    const { server, release, begun } = await makeHeld({
      limits: { handlerTimeoutMs: 20, checkIntervalMs: 5 },
    })
    await using _server = server
    const socket = await askHeld(server)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1\.1 503 /)
    const { handler, abandoned } = await begun
    expect(handler.isAbandoned).toBe(true)
    socket.destroy()
    while ((await connectionsOf(server)) > 0) await nextTurn()
    expect(abandoned).toEqual(['guard', 'handler'])
    release()
  })

  it('was answered 503 because the server stops hears it', async () => {
    const { server, release, begun } = await makeHeld()
    const socket = await askHeld(server)
    const { handler } = await begun
    const answered = once(socket, 'data')
    expect(await drainServer(server, { deadlineMs: 20 })).toBe(1)
    expect(String((await answered)[0])).toMatch(/^HTTP\/1\.1 503 [\s\S]*shutting-down/)
    expect(handler.isAbandoned).toBe(true)
    release()
  })
})

it('work without a client has nobody to be abandoned by', () => {
  expect(currentAbandonment()).toBeUndefined()
})

function connectionsOf({ server }: HttpServer): Promise<number> {
  return new Promise((resolve, reject) =>
    server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}
