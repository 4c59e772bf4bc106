import { setTimeout as sleep } from 'node:timers/promises'
import { connected } from '../support/databases.ts'
import { HttpConnection, requestBytes } from '../support/load/connection.ts'
import type { ServerProcess } from '../support/process.ts'
import { atMost, type Row } from '../support/row.ts'
import { median } from '../support/statistics.ts'
import { createTenants, profileOf, renewTokens, type Tenant } from '../support/tenants.ts'
import type { World } from '../support/world.ts'
import type { Measurement } from './measurement.ts'

const HEAP_REPORT = ['--expose-gc', '--import', './bench/support/heap-report.ts']
const KIB = 1_024
/** Compile the code and fill what is made once. */
const WARM = 20
const WARM_UP_TIMES = 10
const SETTLE_TIMES = 15
const SETTLE_MS = 1_000
const SETTLED_BYTES = 8 * KIB
/** Below what PostgreSQL admits. */
const LIVE = 80

/** Tenants with tokens that were not used up. */
interface Crowd {
  readonly warm: readonly Tenant[]
  readonly others: readonly Tenant[]
}

/** Heap of the server for each tenant that it knows, and for each that it has a connection to. */
export const memory: Measurement = async (world, effort) => {
  const count = effort.pick(500, 60) + WARM
  const tenants = await world.withServer({}, ({ url }) => createTenants(url, count))
  let crowd: Crowd = { warm: tenants.slice(0, WARM), others: tenants.slice(WARM) }
  const idle: number[] = []
  const live: number[] = []
  for (let round = 0; round < effort.rounds(3); round++) {
    const known = await perKnownTenant(world, crowd)
    crowd = known.crowd
    idle.push(known.bytes)
    live.push(await perLiveTenant(world, crowd))
  }
  return [
    row('a known idle tenant', idle, { floor: 4, aim: 1 }),
    row('a live tenant: one connection, prepared statements', live, { floor: 300, aim: 100 }),
  ]
}

function row(subject: string, bytes: readonly number[], { floor, aim }: { floor: number; aim: number }): Row {
  return {
    name: `heap of ${subject}`,
    against: '',
    unit: 'KB',
    measured: median(bytes) / KIB,
    atLeast: atMost(floor),
    aim: atMost(aim),
    rounds: bytes.length,
  }
}

/**
 * Known and idle: asked once, and its connection given to others since. What is asked for is new tokens: that leaves
 * nothing of a token behind, which is remembered for its user and not for the tenant.
 */
function perKnownTenant(world: World, crowd: Crowd): Promise<{ bytes: number; crowd: Crowd }> {
  return withHeapServer(world, { TENANT_CONNECTIONS: '4' }, async (server) => {
    let { warm } = crowd
    for (let time = 0; time < WARM_UP_TIMES; time++) warm = await renewTokens(server.url, warm)
    const before = await heapUsed(server)
    const others = await renewTokens(server.url, crowd.others)
    const bytes = ((await heapUsed(server)) - before) / others.length
    return { bytes, crowd: { warm, others } }
  })
}

/** Live: has a connection of its own with the statement of the hot path prepared. */
function perLiveTenant(world: World, { warm, others }: Crowd): Promise<number> {
  const live = others.slice(0, LIVE)
  return withHeapServer(world, { TENANT_CONNECTIONS: String(LIVE + WARM) }, async (server) => {
    for (let time = 0; time < WARM_UP_TIMES; time++) await askEach(server.url, warm)
    const before = await heapUsed(server)
    await askEach(server.url, live)
    const after = await heapUsed(server)
    const open = await connectionsTo(world.databaseUrl, live)
    if (open !== live.length) throw new Error(`${open} connections to ${live.length} live tenants`)
    return (after - before) / live.length
  })
}

function withHeapServer<T>(
  world: World,
  env: Readonly<Record<string, string>>,
  work: (server: ServerProcess) => Promise<T>,
): Promise<T> {
  // No spares in the making: the heap holds what the tenants cost and nothing that comes and goes.
  return world.withServer({ SPARE_DATABASES: '0', ...env }, work, HEAP_REPORT)
}

/** What closed connections and finished requests leave to timers is gone when the heap falls no further. */
async function heapUsed(server: ServerProcess): Promise<number> {
  const read = async () => Number(await server.answerTo('SIGUSR2', 'heap-used '))
  let least = await read()
  for (let time = 0; time < SETTLE_TIMES; time++) {
    await sleep(SETTLE_MS)
    const now = await read()
    if (now > least - SETTLED_BYTES) return Math.min(now, least)
    least = now
  }
  return least
}

/** `GET /users/me` to each, one after another, so that each gets one connection. */
async function askEach(url: string, tenants: readonly Tenant[]): Promise<void> {
  const connection = new HttpConnection(url)
  for (const tenant of tenants) {
    const target = profileOf(url, tenant)
    const status = await connection.ask(requestBytes(target.url, target.headers))
    if (status !== 200) throw new Error(`a tenant answered ${status}`)
  }
  connection.close()
}

/** How many connections PostgreSQL has to the databases of some tenants. */
function connectionsTo(databaseUrl: string, tenants: readonly Tenant[]): Promise<number> {
  return connected(databaseUrl, async (core) => {
    const { rows } = await core.query<{ count: number }>(
      'SELECT count(*)::int FROM pg_stat_activity WHERE datname = ANY($1)',
      [tenants.map(({ database }) => database)],
    )
    return rows[0]?.count ?? 0
  })
}
