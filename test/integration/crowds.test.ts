import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { countCoreQueries } from '../support/rows.ts'

const PER_TENANT = 3

/** A process that made a tenant, and one that never heard of it. */
let maker: CheckedPlatform
let stranger: CheckedPlatform
let owner: SignedInUser
let tenantId: string
let databaseName: string
beforeAll(async () => {
  maker = await startCheckedPlatform()
  stranger = await startCheckedPlatform({
    databaseUrl: maker.databaseUrl,
    env: { RATE_LIMITS: 'on', TENANT_CONNECTIONS_PER_TENANT: String(PER_TENANT) },
  })
  const ann = await maker.api.register()
  const made = await maker.api.createOrganization(ann)
  tenantId = made.id
  databaseName = made.database_name
  owner = await maker.api.login(ann, tenantId)
})
afterAll(async () => {
  await stranger.close()
  await maker.close()
})

it('H17 50 first requests to a tenant look it up once, and share its connections', async () => {
  const queries = countCoreQueries(stranger.platform)
  const replies = await atOnce(50, () => stranger.api.get('/users/me', { token: owner.token, tenantId }))
  queries.stop()
  expect(replies.map(({ status, body }) => [status, body.id])).toEqual(Array(50).fill([200, owner.id]))
  // Where it is, and what server that is.
  expect(queries.count).toBe(2)
  expect(stranger.platform.tenancy.connections().open).toBeLessThanOrEqual(PER_TENANT)
  const { rows } = await onServer((server) =>
    server.query<{ count: number }>(
      'SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = $1',
      [databaseName],
    ),
  )
  const all = stranger.platform.tenancy.connections().open + maker.platform.tenancy.connections().open
  expect(rows[0]?.count).toBeLessThanOrEqual(all)
})

it('H16 of 250 requests at once no more than the limit are let through', async () => {
  const replies = await atOnce(250, () => stranger.api.post('/organizations', { name: 'Crowd' }))
  const statuses = replies.map(({ status }) => status)
  // The limit outside of production: ten times 20.
  expect(statuses.filter((status) => status === 401)).toHaveLength(200)
  const refused = replies.filter(({ status }) => status !== 401)
  expect(refused).toHaveLength(50)
  for (const reply of refused) expect(reply).toMatchObject({ status: 429, body: { code: 'rate-limited' } })
})
