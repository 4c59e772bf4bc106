import { withDatabase } from '../../src/platform/index.ts'
import { connected } from '../support/databases.ts'
import { failures, type Stream, type Target } from '../support/load/plan.ts'
import { runLoad } from '../support/load/run.ts'
import { atMost, type Row } from '../support/row.ts'
import { type Pair, summarize } from '../support/statistics.ts'
import { createTenants, profileOf, type Tenant } from '../support/tenants.ts'
import type { Measurement } from './measurement.ts'

const QUIET_TENANTS = 10
/** One quiet tenant's pace; the noisy one sends 50 times as many requests. */
const EVERY_MS = 100
const TIMES = 50
const SECONDS = 8

interface Noise {
  readonly name: string
  readonly stream: (targets: readonly Target[]) => Stream
  /** Whether every one of the noisy tenant's requests waits for a lock. */
  readonly isSlow?: true
  /** Only shown: how two cores are shared among clients, server and PostgreSQL decides it. */
  readonly isUnbounded?: true
}

const noisy = { clients: TIMES, choice: 'own' } as const
const NOISES: readonly Noise[] = [
  { name: `${TIMES}x`, stream: (targets) => ({ ...noisy, targets, everyMs: EVERY_MS }) },
  {
    name: `${TIMES} clients whose requests hang`,
    stream: (targets) => ({ ...noisy, targets }),
    isSlow: true,
  },
  {
    name: `${TIMES} clients without a pause`,
    stream: (targets) => ({ ...noisy, targets }),
    isUnbounded: true,
  },
]

/** The p99 of quiet tenants beside a noisy one, against the same tenants alone. */
export const noisyNeighbour: Measurement = ({ databaseUrl, withServer }, effort) =>
  withServer({}, async ({ url }) => {
    const tenants = await createTenants(url, QUIET_TENANTS + 1)
    const [loud, ...others] = tenants as [Tenant, ...Tenant[]]
    const target = profileOf(url, loud)
    const targets = others.map((tenant) => profileOf(url, tenant))
    const quiet: Stream = { clients: QUIET_TENANTS, targets, choice: 'own', everyMs: EVERY_MS }
    const measure = (stream?: Stream) => quietP99(quiet, stream, effort.pick(SECONDS, 2))
    await measure(NOISES[0]?.stream([target]))
    const rows: Row[] = []
    for (const noise of NOISES) {
      const stream = noise.stream([target])
      const beside = noise.isSlow
        ? () => whileLocked(withDatabase(databaseUrl, loud.database), () => measure(stream))
        : () => measure(stream)
      const pairs: Pair[] = []
      for (let round = 0; round < effort.rounds(5); round++)
        pairs.push({ baseline: await measure(), measured: await beside() })
      rows.push({
        name: `quiet tenants' p99 beside one at ${noise.name}`,
        against: 'alone',
        unit: 'ms',
        ...summarize(pairs),
        ...(!noise.isUnbounded && { atLeast: atMost(5), aim: atMost(2) }),
      })
    }
    return rows
  })

async function quietP99(quiet: Stream, loud: Stream | undefined, seconds: number): Promise<number> {
  const result = await runLoad({ seconds, seed: 1, streams: { quiet, ...(loud && { loud }) } })
  if (!result['quiet'] || failures(result['quiet']) > 0)
    throw new Error(`requests of quiet tenants failed: ${JSON.stringify(result['quiet']?.statuses)}`)
  return result['quiet'].p99
}

/** Makes every request of a tenant wait: for a table that somebody else has locked. */
async function whileLocked<T>(tenantUrl: string, work: () => Promise<T>): Promise<T> {
  return await connected(tenantUrl, async (connection) => {
    await connection.query('BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE')
    const answer = await work()
    await connection.query('ROLLBACK')
    return answer
  })
}
