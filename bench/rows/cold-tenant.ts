import pg from 'pg'
import { BARE_QUERY } from '../support/bare-query.ts'
import { milliseconds } from '../support/databases.ts'
import { HttpConnection, requestBytes } from '../support/load/connection.ts'
import { atMost } from '../support/row.ts'
import { type Pair, summarize } from '../support/statistics.ts'
import { bareTenant, createTenants, profileOf, type Tenant } from '../support/tenants.ts'
import type { Measurement } from './measurement.ts'

const WARM_UP_REQUESTS = 50

/**
 * The first request of a tenant that the process has not met, against connecting and the same query with bare `pg`.
 * Tenants come in pairs of equals: one is asked through a fresh server, the other by the baseline, and the next round
 * swaps them. All their databases were connected to when they were made, so PostgreSQL has its cache files of all.
 */
export const coldTenant: Measurement = async ({ databaseUrl, withServer }, effort) => {
  const tenants = await withServer({}, ({ url }) => createTenants(url, effort.pick(41, 11)))
  const [warm, ...cold] = tenants as [Tenant, ...Tenant[]]
  const pairs: Pair[] = []
  for (let round = 0; round < effort.rounds(4); round++) {
    await withServer({}, async ({ url }) => {
      const connection = new HttpConnection(url)
      for (let count = 0; count < WARM_UP_REQUESTS; count++) await askServer(connection, url, warm)
      for (let count = 0; count < WARM_UP_REQUESTS; count++) await askDatabase(databaseUrl, warm)
      for (let index = 0; index + 1 < cold.length; index += 2) {
        const [one, other] = [cold[index + (round % 2)], cold[index + 1 - (round % 2)]] as [Tenant, Tenant]
        const measured = await askServer(connection, url, one)
        pairs.push({ measured, baseline: await askDatabase(databaseUrl, other) })
      }
      connection.close()
    })
  }
  return [
    {
      name: 'first request of a cold tenant, p50',
      against: 'connect + same query, bare pg',
      unit: 'ms',
      ...summarize(pairs),
      atLeast: atMost(2),
      aim: atMost(1.2),
    },
  ]
}

async function askServer(connection: HttpConnection, url: string, tenant: Tenant): Promise<number> {
  const target = profileOf(url, tenant)
  const request = requestBytes(target.url, target.headers)
  return await milliseconds(async () => {
    const status = await connection.ask(request)
    if (status !== 200) throw new Error(`a cold tenant answered ${status}`)
  })
}

async function askDatabase(databaseUrl: string, tenant: Tenant): Promise<number> {
  const { url, userId } = bareTenant(databaseUrl, tenant)
  const client = new pg.Client({ connectionString: url })
  const took = await milliseconds(async () => {
    await client.connect()
    const { rows } = await client.query({ name: 'bare', text: BARE_QUERY, values: [userId] })
    if (rows.length !== 1) throw new Error('the baseline found no user')
    JSON.stringify(rows[0])
  })
  await client.end()
  return took
}
