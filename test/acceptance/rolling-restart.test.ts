import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createOrganization, newPerson, register, signIn } from './support/api.ts'
import { RetryingClient } from './support/retrying-client.ts'
import { freePort } from './support/taken-port.ts'
import { type Server, Workspace } from './support/workspace.ts'

const THINKING_MS = 10

let place: Workspace
beforeAll(async () => {
  place = await Workspace.create()
})
afterAll(() => place[Symbol.asyncDispose]())

/** Stops a server and starts its successor on the same port. */
async function restart(server: Server): Promise<Server> {
  expect(await server.stop()).toBe(0)
  return await place.serve({ PORT: new URL(server.url).port })
}

it('N8 restarts one process after the other, and nobody who tries again hears of it', {
  timeout: 90_000,
}, async () => {
  let first = await place.serve({ PORT: String(await freePort()) })
  let second = await place.serve({ PORT: String(await freePort()) })
  const owner = newPerson('owner')
  const core = await register(first.url, owner)
  const tenantId = await createOrganization(first.url, core, 'Rolling')
  const tenant = await signIn(first.url, owner, tenantId)

  const client = new RetryingClient([first.url, second.url])
  const requests = [
    () => client.send('GET /organizations/me', { token: core }),
    () => client.send('GET /users/me', { token: tenant, tenantId }),
    () => client.send('PUT /users/me', { token: tenant, tenantId, body: { phone: '+49 30 123456' } }),
  ]
  const restarted = new AbortController()
  const load = [...requests, ...requests].map(async (send) => {
    while (!restarted.signal.aborted) {
      expect((await send()).status).toBe(200)
      // Leaves the processor to the servers that start.
      await pause(THINKING_MS)
    }
  })
  const restarting = (async () => {
    first = await restart(first)
    second = await restart(second)
  })().finally(() => restarted.abort())
  await Promise.all([restarting, ...load])

  expect(client.answered).toBeGreaterThan(100)
  // What it was told to try again, and the silence of a server that is not there: nothing else.
  const codes = new Set(client.retried)
  expect(codes).toContain('no answer')
  expect([...codes].filter((code) => code !== 'no answer' && code !== 'shutting-down')).toEqual([])
  expect(await first.stop()).toBe(0)
  expect(await second.stop()).toBe(0)
})
