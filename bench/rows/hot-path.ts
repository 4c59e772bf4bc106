import { withBareServer } from '../support/bare.ts'
import { failures, type Target } from '../support/load/plan.ts'
import { runLoad } from '../support/load/run.ts'
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
      const seconds = effort.pick(SECONDS, 1)
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
  const stream = { clients: CLIENTS, targets, choice: 'own' } as const
  const { only } = await runLoad({ seconds, seed: 1, streams: { only: stream } })
  if (!only || failures(only) > 0)
    throw new Error(`${targets[0]?.url}: failed requests: ${JSON.stringify(only?.statuses)}`)
  return only.requestsPerSecond
}
