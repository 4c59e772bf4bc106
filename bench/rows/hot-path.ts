import autocannon from 'autocannon'
import { withBareServer } from '../support/bare.ts'
import type { Target } from '../support/load/plan.ts'
import { atLeast } from '../support/row.ts'
import { type Pair, summarize } from '../support/statistics.ts'
import { bareTenant, createTenants, profileOf } from '../support/tenants.ts'
import type { Measurement } from './measurement.ts'

const CLIENTS = 32
const SECONDS = 4
/** What the server may open to one tenant, so that both have the same. */
const CONNECTIONS = 4

/** `GET /users/me` against a bare `node:http` and `pg` server that reads the same row. */
export const hotPath: Measurement = ({ databaseUrl, directory, withServer }, effort) =>
  withServer({ TENANT_CONNECTIONS_PER_TENANT: String(CONNECTIONS) }, async ({ url }) => {
    const tenants = await createTenants(url, 1)
    const ours = tenants.map((tenant) => profileOf(url, tenant))
    const bare = tenants.map((tenant) => bareTenant(databaseUrl, tenant))
    const options = { tenants: bare, connections: CONNECTIONS, prepared: true, directory }
    return await withBareServer(options, async (theirs) => {
      const seconds = effort.pick(SECONDS, 2)
      const pairs: Pair[] = []
      // Round 0 warms both up.
      for (let round = 0; round <= effort.rounds(5); round++) {
        const measured = await requestsPerSecond(ours, seconds)
        const baseline = await requestsPerSecond(theirs, seconds)
        if (round > 0) pairs.push({ measured, baseline })
      }
      return [
        {
          name: `GET /users/me, ${CLIENTS} clients`,
          against: 'bare node:http + pg',
          unit: 'requests/s',
          ...summarize(pairs),
          atLeast: atLeast(0.6),
          aim: atLeast(0.85),
        },
      ]
    })
  })

async function requestsPerSecond(targets: readonly Target[], seconds: number): Promise<number> {
  const [{ url, headers = {} }] = targets as [Target]
  const result = await autocannon({ url, headers, connections: CLIENTS, duration: seconds })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(
      `${url}: failed requests: ${JSON.stringify(result.statusCodeStats)}, ${result.errors} without an answer`,
    )
  return result.requests.average
}
