import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { silentLogger } from '../../src/platform/index.ts'
import { createApiClient, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'

/** Many times what the broker may have connections for. */
const TENANTS = 16
const ROUNDS = 25
const IN_ONE_ROUND = 64
/** Bytes, for what bounded memories still had room for: a third of a kilobyte for each request. */
const GROWTH = 1_500_000

setFlagsFromString('--expose-gc')
const collectGarbage: () => void = runInNewContext('gc')

let test: TestPlatform
const members: (SignedInUser & { tenantId: string })[] = []
beforeAll(async () => {
  test = await startPlatform({ env: { TENANT_CONNECTIONS: '4', SPARE_DATABASES: '0' }, log: silentLogger })
  const owner = await test.api.register()
  for (let made = 0; made < TENANTS; made++) {
    const { id } = await test.api.createOrganization(owner)
    members.push({ ...(await test.api.login(owner, id)), tenantId: id })
  }
})
afterAll(() => test.close())

/** Requests of every sort to all tenants, in and out of the few connections, and others that lead nowhere. */
async function round(): Promise<void> {
  const api = createApiClient(test.app, () => undefined)
  await Promise.all(
    Array.from({ length: IN_ONE_ROUND }, (_, index) => {
      const member = members[(index * 7) % TENANTS]
      if (!member) throw new Error('no member')
      const call = { token: member.token, tenantId: member.tenantId }
      switch (index % 8) {
        case 0:
          return api.put('/users/me', { phone: `${index}` }, call)
        case 1:
          return api.get('/users/me', { ...call, tenantId: unique('nobody') })
        case 2:
          return api.get(`/nowhere/${unique('path')}`)
        case 3:
          return api.post('/auth/login', { email: `${unique('who')}@example.com`, password: '' }, call)
        case 4:
          return api.post('/auth/refresh', { refresh_token: `${PASSWORD}${index}` }, call)
        default:
          return api.get('/users/me', call)
      }
    }),
  )
}

/** What the process holds when nobody asks it anything. */
async function holdings(): Promise<{ heap: number; resources: Record<string, number> }> {
  for (let turn = 0; turn < 3; turn++) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  const resources: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1
  return { heap: process.memoryUsage().heapUsed, resources }
}

it('I16 thousands of requests to tenants that come and go leave no socket, no timer and no memory behind', async () => {
  for (let warm = 0; warm < ROUNDS; warm++) await round()
  const before = await holdings()
  for (let time = 0; time < 3 * ROUNDS; time++) await round()
  await expect.poll(() => test.platform.tenancy.connections().busy, { timeout: 10_000 }).toBe(0)
  const after = await holdings()
  for (const kind of ['TCPSocketWrap', 'Timeout', 'TCPServerWrap'])
    expect([kind, after.resources[kind] ?? 0]).toEqual([
      kind,
      expect.toSatisfy((count) => count <= (before.resources[kind] ?? 0) + 4),
    ])
  expect(after.heap - before.heap).toBeLessThan(GROWTH)
})
