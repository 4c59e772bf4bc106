import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, newPerson, register } from './support/api.ts'
import { openBlackHole } from './support/black-hole.ts'
import { KeepAliveClient } from './support/keep-alive-client.ts'
import { eventually } from './support/poll.ts'
import { ENTRY, PROJECT } from './support/project.ts'
import { platformUrl } from './support/running-postgres.ts'
import { type Server, Workspace, whenReady } from './support/workspace.ts'

/** What the issue gives a stop, and what a busy machine may add before the process is seen to have ended. */
const STOP_SECONDS = 10 + 5

let place: Workspace
/** Keeps PostgreSQL running for the others. */
let keeper: Server
beforeAll(async () => {
  place = await Workspace.create()
  keeper = await place.serve()
}, 60_000)
afterAll(() => place[Symbol.asyncDispose]())

/** Code that throws where nobody catches it, put into the process from outside when it gets SIGUSR2. */
const UNCAUGHT = {
  'an exception': 'setTimeout(() => { throw new Error("nobody catches this") })',
  'a rejection': 'Promise.reject(new Error("nobody catches this"))',
} as const

function serveFailing(what: keyof typeof UNCAUGHT): Promise<Server> {
  const preload = `data:text/javascript,${encodeURIComponent(`process.on('SIGUSR2', () => { ${UNCAUGHT[what]} })`)}`
  const args = ['--import', preload, join(PROJECT, ENTRY), 'serve']
  return whenReady(place.start(process.execPath, args, { env: { PORT: '0', RATE_LIMITS: 'off' } }))
}

async function secondsUntilExit({ process }: Server): Promise<number> {
  const since = performance.now()
  await process.exited()
  return (performance.now() - since) / 1000
}

describe.concurrent('a server whose end is disturbed', { timeout: 90_000 }, () => {
  it.each(Object.keys(UNCAUGHT) as (keyof typeof UNCAUGHT)[])(
    'N6 logs %s that nobody caught, answers what runs, and ends with 1',
    async (what) => {
      const server = await serveFailing(what)
      const person = newPerson('client')
      await register(server.url, person)
      using client = new KeepAliveClient(server.url)
      expect(await client.get('/health/live').answered).toMatchObject({ status: 200 })
      // It costs a password hash, so that it cannot be over when the signal comes.
      const running = client.post('/api/v1/auth/login', person)
      await running.sent
      server.process.kill('SIGUSR2')
      expect(await running.answered).toMatchObject({ status: 200 })
      expect(await server.process.exited()).toEqual({ code: 1, signal: null })
      expect(server.process.stderr).toMatch(/"level":60[^\n]*nobody catches this[^\n]*"uncaught exception"/)
      expect(server.process.stderr).toContain('"stopping"')
    },
  )

  it('N5 does not wait for a PostgreSQL that does not answer any more', async () => {
    await using way = await openBlackHole(platformUrl(place.dataDir))
    const server = await place.serve({ DATABASE_URL: way.url })
    const token = await register(server.url, newPerson('client'))
    using client = new KeepAliveClient(server.url)
    expect(await client.get('/health/live').answered).toMatchObject({ status: 200 })
    way.swallow()
    const running = client.get('/api/v1/organizations/me', { authorization: `Bearer ${token}` })
    await running.sent
    server.process.kill('SIGTERM')
    const seconds = await secondsUntilExit(server)
    expect(seconds).toBeLessThan(STOP_SECONDS)
    expect(await running.answered).toMatchObject({ status: 503, headers: { connection: 'close' } })
    expect(server.process.ending).toEqual({ code: 0, signal: null })
  })

  it('N5 is ended with 1 at the deadline when PostgreSQL fell silent while it started', async () => {
    // A migration may take long, so its answers have no time-out that could help.
    await using way = await openBlackHole(platformUrl(place.dataDir), 'advisory')
    const starting = place.startTenantry(['serve'], { PORT: '0', DATABASE_URL: way.url })
    await way.swallows
    const toldAt = performance.now()
    starting.kill('SIGTERM')
    expect(await starting.exited()).toEqual({ code: 1, signal: null })
    expect((performance.now() - toldAt) / 1000).toBeLessThan(STOP_SECONDS)
    expect(starting.stderr).toContain('"not stopped in time: ending at once"')
  })

  it('N1 N3 is first not ready, then takes no more, and ends with 1 when a request never finishes', async () => {
    const server = await place.serve({ SHUTDOWN_DELAY: '5s' })
    using client = new KeepAliveClient(server.url)
    const stuck = client.begin('/api/v1/auth/login')
    await stuck.begun
    server.process.kill('SIGTERM')
    const ended = secondsUntilExit(server)
    const ready = await eventually('readiness to end', async () => {
      const answer = await fetch(`${server.url}/health/ready`)
      return answer.status === 503 && answer
    })
    expect(await ready.json()).toMatchObject({ code: 'shutting-down' })
    // Load balancers that have not noticed yet lose nothing.
    const served = await call(server.url, 'GET /organizations/me')
    expect([served.status, served.headers.get('connection')]).toEqual([401, 'close'])

    expect(await ended).toBeLessThan(STOP_SECONDS)
    await expect(stuck.answered).rejects.toThrow()
    expect(server.process.ending).toEqual({ code: 1, signal: null })
    expect(server.process.stderr).toContain('1 requests had not finished at the deadline')
  })

  it('N4 ends well at whatever moment of its start it is told to', async () => {
    const before = performance.now()
    const whole = await place.serve()
    const startMs = performance.now() - before
    expect(await whole.stop()).toBe(0)

    const moments = Array.from({ length: 10 }, (_, index) => (startMs * index) / 9)
    for (let first = 0; first < moments.length; first += 2) {
      await Promise.all(moments.slice(first, first + 2).map(stopAfter))
    }
    expect((await fetch(`${keeper.url}/health/ready`)).status).toBe(200)
  })
})

/** The moment is what is tested, not a way to wait for something: whatever the process is at then must do. */
async function stopAfter(ms: number): Promise<void> {
  const starting = place.startTenantry(['serve'], { PORT: '0' })
  await new Promise((resolve) => setTimeout(resolve, ms))
  starting.kill('SIGTERM')
  const { code, signal, stderr } = await starting.finished()
  // Before it listens for signals the system ends it, and then it has done nothing yet.
  if (signal === null) expect([code, stderr.includes('"stopping"')], stderr).toEqual([0, true])
  else expect([signal, stderr]).toEqual(['SIGTERM', ''])
}
