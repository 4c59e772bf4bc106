import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { silentLogger } from '../platform/index.ts'
import { EventLoopWatch } from './event-loop-watch.ts'
import { HTTP_LIMITS } from './limits.ts'
import { listen, makeServer, named, recordingLogger } from './test-support.ts'

/** Shorter than in production; longer than any turn that a busy machine makes by itself. */
const LIMIT_MS = 400

/** A server with a route that blocks, as code does that forgot to await. */
async function makeBlocking() {
  const { log, lines } = recordingLogger('warn')
  const server = await makeServer({ log, limits: { eventLoopDelayMs: LIMIT_MS } })
  let runs = 0
  server.get('/quick', { schema: named('quick') }, async () => ({ runs: ++runs }))
  server.get('/block', { schema: named('block') }, async () => {
    block(LIMIT_MS + 300)
    return {}
  })
  const { url } = await listen(server)
  return { server, url, lines, runs: () => runs }
}

/** Uses the processor without a pause. */
function block(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end; );
}

describe('I13: a blocked event loop', () => {
  it('makes new requests hear 503 until it is quick again, but not those of operators', async () => {
    const { server, url, lines, runs } = await makeBlocking()
    await using _server = server
    expect((await fetch(`${url}/quick`)).status).toBe(200)

    expect((await fetch(`${url}/block`)).status).toBe(200)
    const refused = await fetch(`${url}/quick`)
    expect(refused.status).toBe(503)
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(await refused.json()).toMatchObject({ code: 'overloaded' })
    expect(runs()).toBe(1)
    for (const path of ['/health/live', '/health/ready', '/metrics']) {
      expect([path, (await fetch(`${url}${path}`)).status]).toEqual([path, 200])
    }

    while ((await fetch(`${url}/quick`)).status !== 200) await pause(20)
    const warnings = lines.filter((line) => line.msg.startsWith('the event loop was blocked'))
    expect(warnings).toMatchObject([{ delay_ms: expect.any(Number) }])
    expect(warnings[0]?.['delay_ms']).toBeGreaterThan(LIMIT_MS)
  })

  it('is not one that is merely busy', async () => {
    const watch = new EventLoopWatch(HTTP_LIMITS.eventLoopDelayMs, silentLogger)
    watch.start()
    // Work without end in short turns, as a server has whose clients never wait.
    const end = performance.now() + 1000
    while (performance.now() < end) {
      block(5)
      await new Promise(setImmediate)
      expect(watch.isBlocked).toBe(false)
    }
    watch.stop()
  })

  it('is not one whose process was paused, or got no processor', async () => {
    const watch = new EventLoopWatch(LIMIT_MS, silentLogger)
    watch.start()
    // Sleeps without giving the thread back.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LIMIT_MS + 300)
    await pause(150)
    expect(watch.isBlocked).toBe(false)
    watch.stop()
  })

  it('is looked at no more when the server has closed', async () => {
    const watch = new EventLoopWatch(LIMIT_MS, silentLogger)
    watch.start()
    watch.stop()
    block(LIMIT_MS + 200)
    await pause(150)
    expect(watch.isBlocked).toBe(false)
  })
})
