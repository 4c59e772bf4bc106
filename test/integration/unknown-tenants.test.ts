import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createDatabase, createPool, newId, REQUEST_TIMEOUTS } from '../../src/platform/index.ts'
import { TenantDirectory } from '../../src/tenancy/directory.ts'
import { findTenant } from '../../src/tenancy/store.ts'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { countCoreQueries } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

const credentials = () => ({ email: `${unique('new')}@example.com`, password: PASSWORD })

describe('B7 a tenant that does not exist', () => {
  it.each(['register', 'login'])('%s: 404, and no account is made anywhere', async (action) => {
    const person = credentials()
    const reply = await test.api.post(`/auth/${action}`, person, { tenantId: newId() })
    expect(reply).toMatchObject({ status: 404, body: { code: 'tenant-not-found' } })
    expect((await test.api.post('/auth/login', person)).status).toBe(401)
    expect((await test.api.post('/auth/login', person, { tenantId })).status).toBe(401)
  })

  it('refresh: 404', async () => {
    const body = { refresh_token: owner.refreshToken }
    const reply = await test.api.post('/auth/refresh', body, { tenantId: newId() })
    expect(reply).toMatchObject({ status: 404, body: { code: 'tenant-not-found' } })
    expect((await test.api.post('/auth/refresh', body)).status).toBe(200)
  })

  it('is asked of the core database once, however often it is named, and however many ask at once', async () => {
    const unknown = newId()
    const queries = countCoreQueries(test.platform)
    const first = await Promise.all(
      Array.from({ length: 20 }, () => test.api.post('/auth/login', credentials(), { tenantId: unknown })),
    )
    const later = await test.api.post('/auth/register', credentials(), { tenantId: unknown })
    queries.stop()
    expect(new Set([...first, later].map(({ status }) => status))).toEqual(new Set([404]))
    expect(queries.count).toBe(1)
  })

  it('opens no tenant database', async () => {
    const before = test.platform.tenancy.connections().open
    await test.api.post('/auth/login', credentials(), { tenantId: newId() })
    expect(test.platform.tenancy.connections().open).toBe(before)
  })
})

it('F7 an unknown tenant and a known one are told apart by 404 alone, before any password is looked at', async () => {
  const weak = { email: `${unique('new')}@example.com`, password: 'short' }
  expect((await test.api.post('/auth/register', weak, { tenantId: newId() })).status).toBe(404)
  expect((await test.api.post('/auth/register', weak, { tenantId })).status).toBe(422)
})

it('B7 I4 5,000 made-up ids take the places of 1,000, and a known tenant stays known', async () => {
  const pool = createPool({
    url: test.databaseUrl,
    applicationName: 'directory test',
    timeouts: REQUEST_TIMEOUTS,
    max: 4,
  })
  const now = new Date()
  let queries = 0
  const core = createDatabase('core', {
    ...pool,
    query: (statement, values) => {
      queries++
      return pool.query(statement, values)
    },
  })
  try {
    const directory = new TenantDirectory({ load: (id) => findTenant(core, id), clock: { now: () => now } })
    await directory.find(tenantId)
    const ids = Array.from({ length: 5_000 }, newId)
    for (let at = 0; at < ids.length; at += 100) {
      const found = await Promise.all(ids.slice(at, at + 100).map((id) => directory.find(id)))
      expect(found.every((tenant) => tenant === undefined)).toBe(true)
    }
    expect(queries).toBe(5_001)
    // The newest are remembered without a query; one more than the bound is not.
    for (const id of ids.slice(-1_000)) await directory.find(id)
    expect(queries).toBe(5_001)
    await directory.find(ids.at(-1_001) ?? '')
    expect(queries).toBe(5_002)
    await expect(directory.find(tenantId)).resolves.toMatchObject({ id: tenantId })
  } finally {
    await pool.close()
  }
})
