import { setTimeout as sleep } from 'node:timers/promises'
import { type Credentials, login, registerCredentials } from '../support/api.ts'
import type { Target } from '../support/load/plan.ts'
import { failures } from '../support/load/plan.ts'
import { runLoad } from '../support/load/run.ts'
import { atMost } from '../support/row.ts'
import { type Pair, summarize } from '../support/statistics.ts'
import { createTenants, profileOf } from '../support/tenants.ts'
import type { Measurement } from './measurement.ts'

const LOGINS = 200
const READERS = 10
const EVERY_MS = 100
const SECONDS = 6
/** What `Retry-After` asks of those for whom there is no room in the queue. */
const RETRY_MS = 1_000

/** The p99 of people who are signed in while a crowd signs in, against the same people alone. */
export const waitingLogins: Measurement = ({ withServer }, effort) =>
  withServer({}, async ({ url }) => {
    const person = await registerCredentials(url)
    const targets = (await createTenants(url, 1)).map((tenant) => profileOf(url, tenant))
    const measure = () => readersP99(targets, effort.pick(SECONDS, 2))
    await measure()
    const pairs: Pair[] = []
    for (let round = 0; round < effort.rounds(5); round++)
      pairs.push({ baseline: await measure(), measured: await whileSigningIn(url, person, measure) })
    return [
      {
        name: `p99 of GET /users/me while ${LOGINS} sign-ins wait`,
        against: 'alone',
        unit: 'ms',
        ...summarize(pairs),
        aim: atMost(5),
        note: 'two hashes at once take both cores of a machine that has two, and its clients need them too',
      },
    ]
  })

async function readersP99(targets: readonly Target[], seconds: number): Promise<number> {
  const stream = { clients: READERS, targets, choice: 'own', everyMs: EVERY_MS } as const
  const { readers } = await runLoad({ seconds, seed: 1, streams: { readers: stream } })
  if (!readers || failures(readers) > 0)
    throw new Error(`requests failed: ${JSON.stringify(readers?.statuses)}`)
  return readers.p99
}

async function whileSigningIn<T>(url: string, person: Credentials, work: () => Promise<T>): Promise<T> {
  const end = new AbortController()
  const client = async () => {
    while (!end.signal.aborted) {
      const { status } = await login(url, person, end.signal).catch(() => ({ status: 0 }))
      if (status !== 200) await sleep(RETRY_MS, undefined, { signal: end.signal }).catch(() => undefined)
    }
  }
  const crowd = Array.from({ length: LOGINS }, client)
  try {
    return await work()
  } finally {
    end.abort()
    await Promise.all(crowd)
  }
}
