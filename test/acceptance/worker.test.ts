import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, newPerson, register } from './support/api.ts'
import { openBlackHole } from './support/black-hole.ts'
import { expireClaims, holdDatabaseCreation } from './support/held-step.ts'
import { eventually } from './support/poll.ts'
import type { StartedProcess } from './support/processes.ts'
import { connectAsPlatform, platformUrl, postgresProcesses } from './support/running-postgres.ts'
import { type Server, Workspace, whenReady } from './support/workspace.ts'

/** So that every step is taken while the request waits. */
const NO_SPARES = { SPARE_DATABASES: '0' }

let place: Workspace
/** Without a worker: what is left unfinished stays so until somebody else takes it up. */
let server: Server
beforeAll(async () => {
  place = await Workspace.create()
  server = await serveWithoutWorker()
}, 60_000)
afterAll(() => place[Symbol.asyncDispose]())

function serveWithoutWorker(): Promise<Server> {
  return whenReady(
    place.startTenantry(['serve', '--no-worker'], { PORT: '0', RATE_LIMITS: 'off', ...NO_SPARES }),
  )
}

async function startWorker(env: Readonly<Record<string, string>> = {}): Promise<StartedProcess> {
  // The port that the server has: to listen on it would fail.
  const worker = place.startTenantry(['worker'], { PORT: new URL(server.url).port, ...NO_SPARES, ...env })
  await worker.says(/worker is ready/)
  return worker
}

async function statusOf(tenantId: string): Promise<string> {
  const core = await connectAsPlatform(place.dataDir)
  const { rows } = await core.query('SELECT status FROM tenants WHERE id = $1', [tenantId])
  await core.end()
  return rows[0]?.status
}

/** How often a process told of an organization's birth. */
function newsIn({ stderr }: StartedProcess, organizationId: string): number {
  const isNews = (line: string) => line.includes('"organization created"') && line.includes(organizationId)
  return stderr.split('\n').filter(isNews).length
}

describe('a server without a worker', { timeout: 60_000 }, () => {
  it('makes an organization within its own request', async () => {
    const token = await register(server.url, newPerson('owner'))
    const created = await call(server.url, 'POST /organizations', { token, body: { name: 'Alone' } })
    expect(created).toMatchObject({ status: 201, body: { status: 'active' } })
  })

  it('leaves what a crash interrupted to the worker of another process', async () => {
    const owner = newPerson('owner')
    const token = await register(server.url, owner)
    const victim = await serveWithoutWorker()
    await using held = await holdDatabaseCreation(place.dataDir)
    const answer = call(victim.url, 'POST /organizations', { token, body: { name: 'Left' } }).catch(() => 0)
    await held.reached()
    victim.process.kill('SIGKILL')
    expect(await answer).toBe(0)
    await held.release()
    await expireClaims(place.dataDir)
    const { body } = await call(server.url, 'GET /organizations/me', { token })
    expect(body).toMatchObject([{ name: 'Left', status: 'provisioning' }])

    const worker = await startWorker()
    await eventually('the worker to finish it', async () => (await statusOf(body[0].id)) === 'active')
    const signedIn = await call(server.url, 'POST /auth/login', { tenantId: body[0].id, body: owner })
    expect(signedIn).toMatchObject({ status: 200, body: { user: { is_owner: true } } })
    worker.kill('SIGTERM')
    expect(await worker.exited()).toEqual({ code: 0, signal: null })
    expect(newsIn(worker, body[0].id)).toBe(1)
  })
})

describe('a worker', { timeout: 60_000 }, () => {
  it('listens on no port, says that it is ready, and ends with 0 when it is told to', async () => {
    const end = async (signal: NodeJS.Signals) => {
      const worker = await startWorker()
      expect(worker.stdout).toBe('Tenantry’s worker is ready.\n')
      worker.kill(signal)
      expect(await worker.exited()).toEqual({ code: 0, signal: null })
      expect(worker.stderr).toContain('"stopping"')
    }
    await Promise.all([end('SIGINT'), end('SIGHUP')])
    // The server still needs it.
    expect(postgresProcesses(place.dataDir)).not.toEqual([])
  })

  it('goes on while PostgreSQL is away', async () => {
    const way = await openBlackHole(platformUrl(place.dataDir))
    const worker = await startWorker({ DATABASE_URL: way.url })
    await way[Symbol.asyncDispose]()
    await worker.says(/"a background chore failed"/)
    worker.kill('SIGTERM')
    expect(await worker.exited()).toEqual({ code: 0, signal: null })
  })

  it('N7 says in one line what keeps it from starting, and ends with 1', async () => {
    const env = { DATABASE_URL: 'postgres://platform:hunter2@127.0.0.1:1/core' }
    const { code, stdout, stderr } = await place.tenantry('worker', env)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^[^\n]*DATABASE_URL[^\n]*\n$/)
  })

  it('N9 and a server that slept past its claim make one organization, once', async () => {
    const sleeper = await serveWithoutWorker()
    const token = await register(sleeper.url, newPerson('owner'))
    await using held = await holdDatabaseCreation(place.dataDir)
    const answer = call(sleeper.url, 'POST /organizations', { token, body: { name: 'Slept' } })
    await held.reached()
    const { body: mine } = await call(server.url, 'GET /organizations/me', { token })
    const tenantId: string = mine[0].id
    sleeper.process.kill('SIGSTOP')
    try {
      await held.release()
      await expireClaims(place.dataDir)
      const worker = await startWorker()
      await eventually('the worker to take over', async () => (await statusOf(tenantId)) === 'active')
      sleeper.process.kill('SIGCONT')

      // It finds its claim lost and tells its client what the worker made of the organization.
      expect(await answer).toMatchObject({ status: 201, body: { id: tenantId, status: 'active' } })
      expect((await call(server.url, 'GET /organizations/me', { token })).body).toHaveLength(1)
      worker.kill('SIGTERM')
      expect((await worker.exited()).code).toBe(0)
      expect(await sleeper.stop()).toBe(0)
      expect([newsIn(worker, tenantId), newsIn(sleeper.process, tenantId)]).toEqual([1, 0])
    } finally {
      sleeper.process.kill('SIGCONT')
    }
  })
})
