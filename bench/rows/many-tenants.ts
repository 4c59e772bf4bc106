import type { BareOptions } from '../support/bare.ts'
import { withBareServer } from '../support/bare.ts'
import type { Effort } from '../support/effort.ts'
import { failures, type StreamResult, type Target } from '../support/load/plan.ts'
import { runLoad } from '../support/load/run.ts'
import { findPgBouncer, withPgBouncer } from '../support/pgbouncer.ts'
import { atLeast, atMost, type Row } from '../support/row.ts'
import { median, summarize } from '../support/statistics.ts'
import { bareTenant, createTenants, profileOf, renewTokens, type Tenant } from '../support/tenants.ts'
import type { World } from '../support/world.ts'
import type { Measurement } from './measurement.ts'

const CLIENTS = 200
const CONNECTIONS = 20
const PER_TENANT = 4
/** The default of pg.Pool: nobody has thought about a cap. */
const UNCAPPED = 10
const SECONDS = 10
const SUBJECT = { TENANT_CONNECTIONS: String(CONNECTIONS), TENANT_CONNECTIONS_PER_TENANT: String(PER_TENANT) }

/** Many tenants through few connections: errors against a pool per tenant, requests/s against PgBouncer. */
export const manyTenants: Measurement = async (world, effort) => {
  const count = effort.pick(500, 60)
  const made = await world.withServer({}, ({ url }) => createTenants(url, count))
  return await world.withServer(SUBJECT, async ({ url }) => {
    const tenants = await renewTokens(url, made)
    const ours = tenants.map((tenant) => profileOf(url, tenant))
    const load = (targets: readonly Target[], seed: number) => zipfLoad(targets, seed, effort)
    await load(ours, 0)
    const { pooled, mine } = await againstPools(world, tenants, ours, load, effort)
    const errors: Row = {
      name: `${count} tenants, ${CONNECTIONS} connections, ${CLIENTS} clients, Zipf: failed requests`,
      against: `pg.Pool per tenant without a cap: 53300 of PostgreSQL`,
      unit: 'errors',
      measured: median(mine.map(failures)),
      baseline: median(pooled.map(({ statuses }) => statuses[503] ?? 0)),
      atLeast: atMost(0),
      aim: atMost(0),
      rounds: mine.length,
      note: seen('ours', mine),
    }
    return [errors, await againstPgBouncer(world, tenants, ours, load, effort)]
  })
}

type Load = (targets: readonly Target[], seed: number) => Promise<StreamResult>

/** The pools keep what they opened, so theirs run is one for all: PostgreSQL must have its places back afterwards. */
async function againstPools(
  world: World,
  tenants: readonly Tenant[],
  ours: readonly Target[],
  load: Load,
  effort: Effort,
) {
  const options = bareOptions(world, tenants, { connections: UNCAPPED, prepared: true })
  const mine: StreamResult[] = []
  const pooled: StreamResult[] = []
  for (let round = 1; round <= effort.rounds(3); round++) {
    mine.push(await load(ours, round))
    pooled.push(await withBareServer(options, (targets) => load(targets, round)))
  }
  return { mine, pooled }
}

async function againstPgBouncer(
  world: World,
  tenants: readonly Tenant[],
  ours: readonly Target[],
  load: Load,
  effort: Effort,
): Promise<Row> {
  const row = {
    name: `${tenants.length} tenants, ${CONNECTIONS} connections, ${CLIENTS} clients, Zipf: requests/s`,
    against: 'bare node:http + pg through PgBouncer',
    unit: 'requests/s',
    aim: atLeast(1.5),
  }
  const program = findPgBouncer()
  if (program === undefined)
    return {
      ...row,
      measured: (await load(ours, 1)).requestsPerSecond,
      rounds: 1,
      note: 'skipped: no pgbouncer here',
    }
  const limits = { connections: CONNECTIONS, perTenant: PER_TENANT }
  return await withPgBouncer(program, world.databaseUrl, limits, async (port) => {
    // Statements prepared by name would need PgBouncer 1.21, which Debian 12 has not.
    const bare = bareOptions(world, tenants, { connections: PER_TENANT, prepared: false })
    const options = {
      ...bare,
      tenants: bare.tenants.map((tenant) => ({ ...tenant, url: through(port, tenant.url) })),
    }
    return await withBareServer(options, async (theirs) => {
      const mine: StreamResult[] = []
      const bounced: StreamResult[] = []
      await load(theirs, 0)
      for (let round = 1; round <= effort.rounds(5); round++) {
        mine.push(await load(ours, round))
        bounced.push(await load(theirs, round))
      }
      const pairs = mine.map(({ requestsPerSecond }, index) => ({
        measured: requestsPerSecond,
        baseline: bounced[index]?.requestsPerSecond ?? Number.NaN,
      }))
      return { ...row, ...summarize(pairs), note: `${seen('ours', mine)}; ${seen('PgBouncer', bounced)}` }
    })
  })
}

async function zipfLoad(targets: readonly Target[], seed: number, effort: Effort): Promise<StreamResult> {
  const stream = { clients: CLIENTS, targets, choice: 'zipf' } as const
  const { all } = await runLoad({ seconds: effort.pick(SECONDS, 2), seed, streams: { all: stream } })
  if (!all) throw new Error('the load generator lost its stream')
  return all
}

function bareOptions(
  { databaseUrl, directory }: World,
  tenants: readonly Tenant[],
  pool: Pick<BareOptions, 'connections' | 'prepared'>,
): BareOptions {
  return { tenants: tenants.map((tenant) => bareTenant(databaseUrl, tenant)), directory, ...pool }
}

function through(port: number, databaseUrl: string): string {
  const url = new URL(databaseUrl)
  url.port = String(port)
  return url.href
}

/** Latencies and failures in words. */
function seen(who: string, results: readonly StreamResult[]): string {
  const p50 = median(results.map((result) => result.p50)).toFixed(0)
  const p99 = median(results.map((result) => result.p99)).toFixed(0)
  return `${who}: p50 ${p50} ms, p99 ${p99} ms, ${median(results.map(failures))} failed`
}
