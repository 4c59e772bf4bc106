import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { EventStreamClient } from '../support/event-stream-client.ts'
import { inCore } from '../support/rows.ts'
import { type ProxiedPlatform, startProxiedPlatform } from './support/proxied-platform.ts'

let test: ProxiedPlatform
let url: string
let tenantId: string
beforeAll(async () => {
  test = await startProxiedPlatform()
  tenantId = (await test.api.createOrganization(test.owner)).id
  await inCore(test.platform, sql`UPDATE users SET is_admin = true WHERE id = ${test.owner.id}`)
  url = await test.app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => test.close())

it('J1 a run that is watched goes on being told when the core database is back', async () => {
  const run = sql`${tenantId}::uuid`
  await inCore(
    test.platform,
    sql`INSERT INTO fleet_runs (id, kind, status, action, settings, up_to_date, leased_until)
      VALUES (${run}, 'up', 'running', '{}', '{}', 0, now() + interval '1 hour')`,
  )
  await inCore(
    test.platform,
    sql`INSERT INTO fleet_run_tenants (run_id, tenant_id, wave, position) VALUES (${run}, ${run}, 0, 0)`,
  )
  const address = `${url}/api/v1/admin/runs/${tenantId}/events`
  const headers = { authorization: `Bearer ${test.owner.token}` }
  using client = await EventStreamClient.open(address, headers)
  await client.until((received) => received.some(({ event }) => event === 'progress'))

  test.proxy.impair({ refused: true })
  using refused = await EventStreamClient.open(address, headers)
  expect(refused.status).toBe(503)
  const missed = 'a run that is watched could not be looked at'
  await expect.poll(() => test.logged.filter(({ msg }) => msg === missed).length, { timeout: 20_000 }).toBe(1)
  test.proxy.heal()

  await inCore(
    test.platform,
    sql`UPDATE fleet_run_tenants SET status = 'done', finished_at = now(), attempts = 1 WHERE run_id = ${run}`,
  )
  await client.until((received) => received.some(({ event }) => event === 'tenant'))
  await inCore(
    test.platform,
    sql`UPDATE fleet_runs SET status = 'finished', finished_at = now(), updated_at = now() WHERE id = ${run}`,
  )
  expect(await client.ended).toBe(true)
  expect(client.received.at(-1)).toMatchObject({ event: 'end', data: { status: 'finished', done: 1 } })
  expect(test.logged.filter(({ msg }) => msg === missed)).toHaveLength(1)
})
