import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, newPerson, type Person, register } from './support/api.ts'
import {
  expireClaims,
  forgetHeldSteps,
  type HeldStep,
  holdDatabaseCreation,
  holdStep,
} from './support/held-step.ts'
import { json } from './support/json.ts'
import { eventually } from './support/poll.ts'
import { postgresProcesses } from './support/running-postgres.ts'
import { type Server, Workspace } from './support/workspace.ts'

/** So that every step is taken while the request waits. */
const NO_SPARES = { SPARE_DATABASES: '0' }

let place: Workspace
let server: Server
beforeAll(async () => {
  place = await Workspace.create()
  server = await place.serve(NO_SPARES)
}, 60_000)
afterAll(() => place[Symbol.asyncDispose]())

/** The key is the name where the request has one. */
const ask = (token: string, name: string, hasKey = false) =>
  call(server.url, 'POST /organizations', {
    token,
    body: { name },
    ...(hasKey && { headers: { 'idempotency-key': encodeURIComponent(name) } }),
  })

/** Kills the server while it makes an organization, of which nobody may see more than that it is being made. */
async function killWhileHeld(
  held: HeldStep,
  owner: Person,
  token: string,
  name: string,
  hasKey: boolean,
): Promise<string> {
  const answer = ask(token, name, hasKey).catch(() => 'no answer')
  await held.reached()
  const { body: mine } = await call(server.url, 'GET /organizations/me', { token })
  expect(mine).toMatchObject([{ name, status: 'provisioning' }])
  const tenantId: string = mine[0].id
  const early = await call(server.url, 'POST /auth/login', { tenantId, body: owner })
  expect(early).toMatchObject({ status: 503, body: { code: 'tenant-not-ready' } })
  expect(Number(early.headers.get('retry-after'))).toBeGreaterThan(0)

  server.process.kill('SIGKILL')
  expect(await answer).toBe('no answer')
  await eventually('the end of PostgreSQL', () => postgresProcesses(place.dataDir).length === 0)
  // Asked of the data alone: a server would take it up at once.
  const left = json(await place.tenantry('tenants list --json'))
  expect(left.at(-1)).toMatchObject({ id: tenantId, status: 'provisioning' })
  return tenantId
}

/** J13: while a reconciler is at it, the key is told to come back. */
async function repeat(token: string, name: string, tenantId: string): Promise<void> {
  const done = await eventually('the repeated request to be done', async () => {
    const reply = await ask(token, name, true)
    return reply.body.code !== 'idempotency-conflict' && reply
  })
  expect(done).toMatchObject({ status: 201, body: { id: tenantId, status: 'active' } })
  const again = await ask(token, name, true)
  expect(again).toMatchObject({ status: 201, body: done.body })
  expect(again.headers.get('idempotent-replayed')).toBe('true')
}

describe('a server that is killed while it makes an organization', { timeout: 90_000 }, () => {
  it.each([
    ['its record is written', holdDatabaseCreation, 'asks again'],
    ['its database is there', (dataDir: string) => holdStep(dataDir, 'database'), 'waits'],
    ['its owner is there', (dataDir: string) => holdStep(dataDir, 'owner'), 'repeats its key'],
    ['all but its activation is done', (dataDir: string) => holdStep(dataDir, 'activate'), 'waits'],
  ] as const)('K leaves nothing half-made and gets finished: killed when %s', async (when, hold, then) => {
    const owner = newPerson('owner')
    const token = await register(server.url, owner)
    const name = `Killed when ${when}`
    await using held = await hold(place.dataDir)
    const hasKey = then === 'repeats its key'
    const tenantId = await killWhileHeld(held, owner, token, name, hasKey)

    server = await place.serve(NO_SPARES)
    await forgetHeldSteps(place.dataDir)
    if (then !== 'asks again') await expireClaims(place.dataDir)
    if (hasKey) await repeat(token, name, tenantId)
    if (then === 'asks again') expect(await ask(token, name)).toMatchObject({ body: { id: tenantId } })
    const finished = await eventually('the organization to be active', async () => {
      const { body } = await call(server.url, `GET /organizations/${tenantId}`, { token })
      return body.status === 'active' && body
    })

    expect(finished).toMatchObject({ name, is_active: true, database_name: `tenant_${tenantId}` })
    const signedIn = await call(server.url, 'POST /auth/login', { tenantId, body: owner })
    expect(signedIn).toMatchObject({ status: 200, body: { user: { is_owner: true, email: owner.email } } })
    expect((await call(server.url, 'GET /organizations/me', { token })).body).toHaveLength(1)
  })
})
