import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrganizationService } from '../../src/organizations/index.ts'
import { silentLogger } from '../../src/platform/index.ts'
import { findCoreUser } from '../../src/users/index.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { breakBirths, claimForAnother, healBirths, holdBirths } from '../support/births.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'
import { countCoreQueries, inCore } from '../support/rows.ts'

const PATIENCE = { timeout: 15_000, interval: 20 }

let one: TestPlatform
let owner: SignedInUser
beforeAll(async () => {
  one = await startPlatform()
  owner = await one.api.register()
})
afterAll(() => one.close())

async function recordOf(name: string) {
  const [row] = await inCore<{ id: string; status: string; is_unannounced: boolean }>(
    one.platform,
    sql`SELECT id, status, is_unannounced FROM tenants JOIN organizations USING (id) WHERE name = ${name}`,
  )
  return row
}

describe('an organization whose owner has not heard that it is ready', () => {
  it('because his client hung up, is what he gets when he asks again', async () => {
    const address = await one.app.listen({ port: 0, host: '127.0.0.1' })
    const name = unique('Hung up')
    const held = holdBirths(one.platform)
    const client = new AbortController()
    const gone = fetch(`${address}/api/v1/organizations`, {
      method: 'POST',
      headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
      signal: client.signal,
    }).catch(() => 'gone')
    await held.reached
    client.abort()
    expect(await gone).toBe('gone')
    await expect.poll(openSockets, PATIENCE).toBe(0)
    held.release()
    await expect
      .poll(() => recordOf(name), PATIENCE)
      .toMatchObject({ status: 'active', is_unannounced: true })
    healBirths(one.platform)
    const again = await one.api.post('/organizations', { name }, { token: owner.token })
    expect(again).toMatchObject({ status: 201, body: { id: (await recordOf(name))?.id } })
  })

  it('but has seen it in the list, is no answer to a new request', async () => {
    const name = unique('Listed')
    const call = { token: owner.token }
    const first = await one.api.post('/organizations', { name }, call)
    // As a 202 leaves it, once it is ready.
    await inCore(one.platform, sql`UPDATE tenants SET is_unannounced = true WHERE id = ${first.body.id}`)
    const list = await one.api.get('/organizations/me', call)
    expect(list.body).toContainEqual(expect.objectContaining({ id: first.body.id, status: 'active' }))
    const second = await one.api.post('/organizations', { name }, call)
    expect(second.body.id).not.toBe(first.body.id)
  })
})

it('who was told to wait leaves nothing behind that asks the core database again and again', async () => {
  const { core, tenancy } = one.platform
  const name = unique('Held')
  breakBirths(one.platform)
  expect(await one.api.post('/organizations', { name }, { token: owner.token })).toMatchObject({
    status: 500,
  })
  healBirths(one.platform)
  await claimForAnother(one.platform, (await recordOf(name))?.id ?? '', 'alive')
  const service = createOrganizationService({ core, tenancy, log: silentLogger, createWaitMs: 300 })
  const user = await findCoreUser(core, owner.id)
  if (!user) throw new Error('no user')
  for (let asked = 0; asked < 3; asked++)
    expect((await service.create(user, { name })).organization.status).toBe('provisioning')
  const queriesWithin = async (ms: number) => {
    const queries = countCoreQueries(one.platform)
    const until = performance.now() + ms
    await expect.poll(() => performance.now() > until, { ...PATIENCE, interval: 50 }).toBe(true)
    queries.stop()
    return queries.count
  }
  await expect.poll(() => queriesWithin(1_000), PATIENCE).toBe(0)
})

function openSockets(): Promise<number> {
  return new Promise((resolve, reject) =>
    one.app.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
  )
}
