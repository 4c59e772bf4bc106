import pg from 'pg'
import { createOrganization, register, type Session } from '../support/api.ts'
import { cloneTemplate, connected, milliseconds, templateName } from '../support/databases.ts'
import { atLeast } from '../support/row.ts'
import { spareCount } from '../support/spares.ts'
import { type Pair, summarize } from '../support/statistics.ts'
import { inParallel } from '../support/tenants.ts'
import type { Measurement } from './measurement.ts'

const PARALLEL = 4

/** Creations that find no spare, against a loop of `CREATE DATABASE … TEMPLATE` with the same parallelism. */
export const creationWithoutSpare: Measurement = ({ databaseUrl, withServer }, effort) =>
  withServer({ SPARE_DATABASES: '0' }, ({ url }) =>
    connected(databaseUrl, async (core) => {
      const template = await templateName(core)
      const owners = await Promise.all(Array.from({ length: PARALLEL }, () => register(url)))
      const connections = owners.map(() => new pg.Client({ connectionString: databaseUrl }))
      await Promise.all(connections.map((connection) => connection.connect()))
      const each = effort.pick(8, 2)
      const ours = (owner: Session) => createOrganization(url, owner)
      const theirs = (connection: pg.Client) => cloneTemplate(connection, template)
      try {
        const pairs: Pair[] = []
        // Round 0 warms both up.
        for (let round = 0; round <= effort.rounds(5); round++) {
          const measured = await perSecond(owners, each, ours)
          const baseline = await perSecond(connections, each, theirs)
          if (round > 0) pairs.push({ measured, baseline })
        }
        if ((await spareCount(core)) > 0) throw new Error('there are spares with SPARE_DATABASES=0')
        return [
          {
            name: `POST /organizations, no spare, ${PARALLEL} at a time`,
            against: 'CREATE DATABASE … TEMPLATE, as many at a time',
            unit: 'creations/s',
            ...summarize(pairs),
            atLeast: atLeast(0.7),
            aim: atLeast(0.9),
          },
        ]
      } finally {
        await Promise.all(connections.map((connection) => connection.end()))
      }
    }),
  )

/** Each worker does its work `each` times, one after another, beside the others. */
async function perSecond<Worker>(
  workers: readonly Worker[],
  each: number,
  work: (worker: Worker) => Promise<unknown>,
): Promise<number> {
  const all = async (worker: Worker) => {
    for (let done = 0; done < each; done++) await work(worker)
  }
  const took = await milliseconds(() => inParallel(workers, all, workers.length))
  return (workers.length * each) / (took / 1_000)
}
