import autocannon from 'autocannon'
import { withDatabase } from '../../src/platform/index.ts'
import { createOrganization, register } from '../support/api.ts'
import { startServer } from '../support/process.ts'
import { type Pair, type Row, summarize } from '../support/statistics.ts'
import type { World } from '../support/world.ts'

const CLIENTS = 32
const SECONDS = 4
/** What the server may open to one tenant, so that both have the same. */
const CONNECTIONS = 4

/** `GET /users/me` against a bare `node:http` and `pg` server that reads the same row. */
export async function hotPath({ server, databaseUrl }: World, rounds: number): Promise<Row> {
  const owner = await register(server.url)
  const organization = await createOrganization(server.url, owner)
  const user = await register(server.url, organization.id)
  const tenantUrl = withDatabase(databaseUrl, organization.database_name)
  const bare = await startServer(
    ['bench/support/bare-server.ts', tenantUrl, user.userId, String(CONNECTIONS)],
    {},
  )
  const headers = { authorization: `Bearer ${user.token}`, 'x-tenant-id': organization.id }
  const measure = async () => await requestsPerSecond(`${server.url}/api/v1/users/me`, headers)
  const measureBare = async () => await requestsPerSecond(bare.url)
  try {
    await measure()
    await measureBare()
    const pairs: Pair[] = []
    for (let round = 0; round < rounds; round++) {
      pairs.push({ measured: await measure(), baseline: await measureBare() })
    }
    const floor = { compare: '>=', value: 0.6 } as const
    return { name: `GET /users/me, ${CLIENTS} clients`, unit: 'requests/s', ...summarize(pairs), floor }
  } finally {
    await bare.stop()
  }
}

async function requestsPerSecond(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<number> {
  const result = await autocannon({ url, headers, connections: CLIENTS, duration: SECONDS })
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(
      `${url}: failed requests: ${JSON.stringify(result.statusCodeStats)}, ${result.errors} without an answer`,
    )
  return result.requests.average
}
