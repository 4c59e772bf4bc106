import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asCaller, type BrokerRig, statusOf, useBroker } from '../../../test/support/broker.ts'
import { onServer } from '../../../test/support/databases.ts'
import { runs } from '../../../test/support/effort.ts'

const start = useBroker(3)
const MAX = 3

const step = fc.record({
  act: fc.constantFrom('query', 'query', 'query', 'exclusive', 'abandon', 'kill', 'evict', 'pause'),
  database: fc.nat(2),
  sleepMs: fc.constantFrom(0, 0, 0, 1, 30, 60),
})

const answer = {
  name: 'answer',
  text: 'SELECT $1::int AS n, current_database() AS name, pg_sleep($2::int / 1000.0)',
}

type Step = { readonly act: string; readonly database: number; readonly sleepMs: number }

/** One run: what callers were promised, and how they can leave. */
class Run {
  readonly callers: Promise<void>[] = []
  mostBackends = 0
  readonly #rig: BrokerRig
  readonly #leavers: (() => void)[] = []

  constructor(rig: BrokerRig) {
    this.#rig = rig
  }

  async take(step: Step, n: number): Promise<void> {
    const rig = this.#rig
    switch (step.act) {
      case 'kill':
        await kill(rig)
        break
      case 'evict':
        void rig.broker.evict(rig.name(step.database))
        break
      case 'pause':
        this.mostBackends = Math.max(this.mostBackends, await rig.backends())
        break
      case 'abandon':
        this.#leavers.pop()?.()
        break
      default:
        this.#call(step, n)
    }
  }

  #call({ act, database, sleepMs }: Step, n: number): void {
    let wasAbandoned = false
    const source = this.#rig.source(database)
    const { result, leave } = asCaller(() =>
      act === 'query'
        ? source.query(answer, [n, sleepMs])
        : source.exclusive((connection) => connection.query(answer, [n, sleepMs])),
    )
    this.#leavers.push(() => {
      wasAbandoned = true
      leave()
    })
    this.callers.push(
      result.then(
        ({ rows }) => expect(rows[0]).toMatchObject({ n, name: this.#rig.name(database) }),
        (error) => {
          // A connection may die under anybody; other errors are only for who does not hear them.
          if (statusOf(error) !== 503 && !wasAbandoned) throw error
        },
      ),
    )
  }
}

async function kill(rig: BrokerRig): Promise<void> {
  await onServer((server) =>
    server.query(
      `SELECT pg_terminate_backend(pid) FROM
       (SELECT pid FROM pg_stat_activity WHERE application_name = $1 LIMIT 1) AS one`,
      [rig.application],
    ),
  )
}

describe('any order of what callers do and what happens to connections', () => {
  it('gives each caller his own answer, keeps the budget, and ends with everything free', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        const rig = start({ max: MAX, maxPerTenant: 2 })
        const run = new Run(rig)
        for (const [n, one] of steps.entries()) await run.take(one, n)
        await Promise.all(run.callers)
        expect(run.mostBackends).toBeLessThanOrEqual(MAX)
        const { broker } = rig
        await expect.poll(() => broker.stats(), { timeout: 5_000 }).toMatchObject({ busy: 0, waiting: 0 })
        await expect.poll(() => broker.stats().open - broker.stats().idle).toBe(0)
        await expect.poll(async () => (await rig.backends()) - broker.openConnections).toBe(0)
        await broker.close()
        await expect.poll(() => broker.stats()).toEqual({ open: 0, busy: 0, idle: 0, waiting: 0 })
        expect(await rig.backends()).toBe(0)
      }),
      { numRuns: runs(25) },
    )
  })
})
