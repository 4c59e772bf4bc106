import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { eventually } from '../../../test/acceptance/support/poll.ts'
import { EventStreamClient } from '../../../test/support/event-stream-client.ts'
import type { HttpServerOptions, Problem } from '../index.ts'
import {
  createGuard,
  drainServer,
  EVENT_STREAM,
  type EventStream,
  httpErrors,
  openEventStream,
} from '../index.ts'
import { listen, makeServer, named, recordingLogger } from '../test-support.ts'

/** A server with one stream, at /events, and the streams that were opened. */
async function makeStreams(
  limits: HttpServerOptions['limits'] = {},
  options: Partial<HttpServerOptions> & { admit?: () => Promise<void>; lifeMs?: number } = {},
) {
  const { admit = async () => undefined, lifeMs = 60_000, ...others } = options
  const server = await makeServer({ ...others, limits })
  const guard = createGuard([], admit)
  const streams: EventStream[] = []
  const schema = { ...named('watch'), produces: [EVENT_STREAM] }
  const route = { onRequest: guard.onRequest, schema, config: { produces: [EVENT_STREAM] } }
  server.get('/events', { ...route, exposeHeadRoute: false }, async (request, reply) => {
    streams.push(openEventStream(server, request, reply, { guard, lifeMs }))
    return reply
  })
  const { url, port } = await listen(server)
  return { server, streams, url: `${url}/events`, port, [Symbol.asyncDispose]: () => server.close() }
}

async function problemOf(url: string, init?: RequestInit): Promise<Problem & { retry: string | null }> {
  const answer = await fetch(url, init)
  return { ...((await answer.json()) as Problem), retry: answer.headers.get('retry-after') }
}

describe('an event stream', () => {
  it('carries events under the headers of every answer, and ends when it is told', async () => {
    await using test = await makeStreams()
    using client = await EventStreamClient.open(test.url)
    expect(client.status).toBe(200)
    expect(Object.fromEntries(client.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
      'x-content-type-options': 'nosniff',
      'x-request-id': expect.any(String),
    })
    const [stream] = test.streams
    stream?.send({ event: 'one', data: { text: 'a\nb\u2028' }, id: '7' }, { event: 'two', data: [] })
    await client.until((received) => received.length === 3)
    stream?.end()
    stream?.send({ event: 'late', data: null })
    expect(await client.ended).toBe(true)
    expect(client.received).toEqual([
      { retry: '2000' },
      { event: 'one', data: { text: 'a\nb\u2028' }, id: '7' },
      { event: 'two', data: [] },
    ])
  })

  it.each([
    ['text/event-stream', 200],
    ['*/*', 200],
    ['text/*', 200],
    ['application/json', 406],
    ['text/html', 406],
  ])('C16 answers Accept: %s with %i', async (accept, status) => {
    await using test = await makeStreams()
    using client = await EventStreamClient.open(test.url, { accept })
    expect(client.status).toBe(status)
  })

  it('takes no HEAD, which would have no end', async () => {
    await using test = await makeStreams()
    expect((await fetch(test.url, { method: 'HEAD' })).status).toBe(405)
  })

  it('says that it is there while there is nothing to say', async () => {
    await using test = await makeStreams({ heartbeatMs: 10 })
    using client = await EventStreamClient.open(test.url)
    await client.until((received) => received.filter(({ comment }) => comment).length > 2)
  })

  it('is not cut by the time that handlers have, and leaves one line and no long duration', async () => {
    const { log, lines } = recordingLogger()
    await using test = await makeStreams(
      { handlerTimeoutMs: 20, checkIntervalMs: 5, heartbeatMs: 20 },
      { log },
    )
    const client = await EventStreamClient.open(test.url)
    await client.until((received) => received.length > 15)
    client.leave()
    const requests = await eventually('its line', () => {
      const found = lines.filter(({ msg, route }) => msg === 'request' && route === '/events')
      return found.length > 0 && found
    })
    expect(requests).toMatchObject([{ status: 200, aborted: true }])
    expect(Number(requests[0]?.['duration_ms'])).toBeGreaterThan(200)
    const { body } = await test.server.inject('/metrics')
    expect(body).toContain('_bucket{method="GET",route="/events",status="200",le="0.25"} 1')
  })
})

describe('streams of one process', () => {
  it('are so many at most, and whoever goes makes room', async () => {
    await using test = await makeStreams({ eventStreams: 2 })
    const first = await EventStreamClient.open(test.url)
    using _second = await EventStreamClient.open(test.url)
    expect(await problemOf(test.url)).toMatchObject({ code: 'overloaded', status: 503, retry: '5' })
    first.leave()
    using third = await eventually('room', async () => {
      const client = await EventStreamClient.open(test.url)
      return client.status === 200 && client
    })
    expect(third.status).toBe(200)
    expect(test.streams.map(({ isOpen }) => isOpen)).toEqual([false, true, true])
  })

  it('J9 fill no memory for a client that does not read', async () => {
    const limit = 10_000
    await using test = await makeStreams({ eventStreamBytes: limit })
    const socket = connect(test.port, '127.0.0.1').pause()
    socket.on('error', () => undefined)
    socket.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n')
    const stream = await eventually('the stream', () => test.streams[0])
    const closed = Promise.withResolvers<void>()
    stream.onClose(closed.resolve)
    const event = { event: 'much', data: 'x'.repeat(5_000) }
    // The system takes some megabytes of its own.
    for (let sent = 0; stream.isOpen && sent < 20_000; sent++) {
      stream.send(event)
      if (sent % 10 === 0) await new Promise(setImmediate)
    }
    expect(stream.isOpen).toBe(false)
    await closed.promise
    socket.destroy()
  })

  it('J9 wait for a client that reads slowly, where the caller asks', async () => {
    await using test = await makeStreams({ eventStreamBytes: 100_000 })
    using client = await EventStreamClient.open(test.url)
    const [stream] = test.streams
    for (let sent = 0; sent < 200; sent++) {
      stream?.send({ event: 'much', data: 'x'.repeat(90_000) })
      await stream?.drained()
    }
    stream?.end()
    expect(await client.ended).toBe(true)
    expect(client.of('much')).toHaveLength(200)
  })

  it('end with their connection, also where their turn to be answered never came', async () => {
    await using test = await makeStreams({ checkIntervalMs: 10 })
    const socket = connect(test.port, '127.0.0.1')
    const message = 'GET /events HTTP/1.1\r\nHost: a\r\n\r\n'
    socket.write(message + message)
    await eventually('both streams', () => test.streams.length === 2)
    socket.destroy()
    await eventually('their end', () => test.streams.every(({ isOpen }) => !isOpen))
  })
})

describe('a server that closes', () => {
  it('N1 ends its streams at once and begins none', async () => {
    const test = await makeStreams()
    const clients = await Promise.all([1, 2, 3].map(() => EventStreamClient.open(test.url)))
    const silent = connect(test.port, '127.0.0.1').pause()
    silent.on('error', () => undefined)
    silent.write('GET /events HTTP/1.1\r\nHost: a\r\n\r\n')
    const stuck = await eventually('the last stream', () => test.streams[3])
    // More than the system takes: some of it waits in this process.
    for (let sent = 0; sent < 1_000 && stuck.isOpen; sent++) stuck.send({ event: 'x', data: 'x'.repeat(200) })
    const begun = performance.now()
    expect(await drainServer(test.server, { deadlineMs: 60_000 })).toBe(0)
    expect(performance.now() - begun).toBeLessThan(10_000)
    for (const client of clients) expect(await client.ended).toBe(true)
    silent.destroy()
  })

  it('N1 serves them until load balancers have noticed', async () => {
    const test = await makeStreams()
    using before = await EventStreamClient.open(test.url)
    const closed = drainServer(test.server, { announceMs: 200 })
    using during = await EventStreamClient.open(test.url)
    expect([before.status, during.status]).toEqual([200, 200])
    await closed
    expect(await Promise.all([before.ended, during.ended])).toEqual([true, true])
  })
})

describe('the right to listen', () => {
  it('is asked for again and again: what the guard refuses ends', async () => {
    let isAllowed = true
    const admit = async () => {
      if (!isAllowed) throw httpErrors.notFound()
    }
    await using test = await makeStreams({ readmitMs: 10 }, { admit })
    using client = await EventStreamClient.open(test.url)
    await client.until((received) => received.length === 1)
    isAllowed = false
    expect(await client.ended).toBe(true)
  })

  it('is not lost when it cannot be found out', async () => {
    let asked = 0
    const admit = async () => {
      asked++
      if (asked > 3) throw httpErrors.databaseUnavailable()
      if (asked > 1) throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' })
    }
    await using test = await makeStreams({ readmitMs: 10 }, { admit })
    using _client = await EventStreamClient.open(test.url)
    await eventually('some questions', () => asked > 6)
    expect(test.streams[0]?.isOpen).toBe(true)
  })

  it('has an end of its own', async () => {
    await using test = await makeStreams({}, { lifeMs: 50 })
    using client = await EventStreamClient.open(test.url)
    expect(await client.ended).toBe(true)
    expect(test.streams[0]?.isOpen).toBe(false)
  })
})
