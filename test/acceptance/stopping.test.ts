import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EventStreamClient } from '../support/event-stream-client.ts'
import { call, newPerson, register } from './support/api.ts'
import { holdStep } from './support/held-step.ts'
import { KeepAliveClient } from './support/keep-alive-client.ts'
import { eventually } from './support/poll.ts'
import { connectAsPlatform, postgresProcesses } from './support/running-postgres.ts'
import { Workspace } from './support/workspace.ts'

/** So that every step is taken while the request waits. */
const NO_SPARES = { SPARE_DATABASES: '0' }

let place: Workspace
beforeAll(async () => {
  place = await Workspace.create()
})
afterAll(() => place[Symbol.asyncDispose]())

describe('a server that is told to stop', { timeout: 90_000 }, () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'ends with 0 on %s and takes PostgreSQL with it',
    async (signal) => {
      const server = await place.serve(NO_SPARES)
      expect(postgresProcesses(place.dataDir).length).toBeGreaterThan(4)
      expect(await server.stop(signal)).toBe(0)
      expect(postgresProcesses(place.dataDir)).toEqual([])
      expect(server.process.stderr).toContain('PostgreSQL stopped')
    },
  )

  it('N4 ends with 0 when it has not even started', async () => {
    await using fresh = await Workspace.create()
    const starting = fresh.startTenantry(['serve'], { PORT: '0' })
    await eventually('PostgreSQL to start', () => postgresProcesses(fresh.dataDir).length > 0)
    starting.kill('SIGTERM')
    expect(await starting.exited()).toEqual({ code: 0, signal: null })
    expect(postgresProcesses(fresh.dataDir)).toEqual([])
  })

  it('N2 finishes the organization that it is making', async () => {
    const server = await place.serve(NO_SPARES)
    const token = await register(server.url, newPerson('owner'))
    await using held = await holdStep(place.dataDir, 'owner')
    const creating = call(server.url, 'POST /organizations', { token, body: { name: 'In flight' } })
    await held.reached()
    server.process.kill('SIGTERM')
    await server.process.says(/"stopping"/)
    await held.release()

    const created = await creating
    expect(created).toMatchObject({ status: 201, body: { status: 'active' } })
    expect(created.headers.get('connection')).toBe('close')
    expect(await server.process.exited()).toEqual({ code: 0, signal: null })
    expect(postgresProcesses(place.dataDir)).toEqual([])
  })

  it('N1 answers all that keep-alive clients sent before the signal', async () => {
    const server = await place.serve(NO_SPARES)
    const person = newPerson('client')
    const authorization = `Bearer ${await register(server.url, person)}`
    const clients = Array.from({ length: 16 }, () => new KeepAliveClient(server.url))
    for (const client of clients) {
      expect(await client.get('/health/live').answered).toMatchObject({ status: 200 })
    }
    // Half of them cost a password hash, so that they cannot all be over when the signal comes.
    const requests = clients.map((client, index) =>
      index % 2 === 0
        ? client.post('/api/v1/auth/login', person)
        : client.get('/api/v1/organizations/me', { authorization }),
    )
    await Promise.all(requests.map(({ sent }) => sent))
    server.process.kill('SIGTERM')

    const replies = await Promise.allSettled(requests.map(({ answered }) => answered))
    const statuses = replies.map((reply) =>
      reply.status === 'fulfilled' ? reply.value.status : reply.reason,
    )
    expect(statuses).toEqual(clients.map(() => 200))
    expect(await server.process.exited()).toEqual({ code: 0, signal: null })
    const [, afterwards = ''] = server.process.stderr.split('"stopping"')
    expect(afterwards).toContain('"route":"/api/v1/auth/login"')
    for (const client of clients) client[Symbol.dispose]()
  })

  it('N1 does not wait for those who watch a run', async () => {
    const server = await place.serve(NO_SPARES)
    const person = newPerson('admin')
    const token = await register(server.url, person)
    const runId = randomUUID()
    const core = await connectAsPlatform(place.dataDir)
    await core.query('UPDATE users SET is_admin = true WHERE email = $1', [person.email])
    await core.query(
      `INSERT INTO fleet_runs (id, kind, status, action, settings, up_to_date, leased_until)
        VALUES ($1, 'up', 'running', '{}', '{}', 0, now() + interval '1 hour')`,
      [runId],
    )
    await core.end()
    const address = `${server.url}/api/v1/admin/runs/${runId}/events`
    const headers = { authorization: `Bearer ${token}` }
    using client = await EventStreamClient.open(address, headers)
    await client.until((received) => received.some(({ event }) => event === 'progress'))
    expect(await server.stop('SIGTERM')).toBe(0)
    expect(await client.ended).toBe(true)
  })

  it('N3 ends at once, with 1, when it is told again more than a second later', async () => {
    const server = await place.serve(NO_SPARES)
    // A body that never comes keeps a request open until the server's own deadline of ten seconds.
    using client = new KeepAliveClient(server.url)
    const stuck = client.begin('/api/v1/auth/login')
    await stuck.begun
    const toldAt = performance.now()
    await eventually('the process to end', () => {
      // Signals that are close to each other are one wish: only the first that comes a second later is another one.
      server.process.kill('SIGTERM')
      return server.process.ending
    })
    expect(await server.process.exited()).toEqual({ code: 1, signal: null })
    const seconds = (performance.now() - toldAt) / 1000
    expect(seconds).toBeGreaterThan(1)
    expect(seconds).toBeLessThan(9)
    expect(server.process.stderr).toContain('told to stop again')
    await expect(stuck.answered).rejects.toThrow()
    await eventually('the end of PostgreSQL', () => postgresProcesses(place.dataDir).length === 0)
  })
})
