import type pg from 'pg'
import { createOrganization, register } from '../support/api.ts'
import { cloneTemplate, connected, milliseconds, templateName } from '../support/databases.ts'
import { atMost } from '../support/row.ts'
import { sparesAreReady } from '../support/spares.ts'
import { type Pair, summarize } from '../support/statistics.ts'
import type { Measurement } from './measurement.ts'

const SPARES = 2
const FIRST_SPARES_WITHIN_MS = 10_000
/** A server makes spares at a measured pace. */
const REFILLED_WITHIN_MS = 60_000

/** `POST /organizations` with a spare ready, against `CREATE DATABASE … TEMPLATE` over an open connection. */
export const creationWithSpare: Measurement = ({ databaseUrl, withServer }, effort) =>
  withServer({ SPARE_DATABASES: String(SPARES) }, ({ url }) =>
    connected(databaseUrl, async (core) => {
      const owner = await register(url)
      const template = await templateName(core)
      const hasSpares = await sparesAreReady(core, SPARES, FIRST_SPARES_WITHIN_MS)
      await createOrganization(url, owner)
      const pairs: Pair[] = []
      for (let round = 0; round < effort.rounds(21); round++) {
        if (hasSpares) await refilled(core)
        const measured = await milliseconds(() => createOrganization(url, owner))
        // Neither of the two runs beside the making of the next spare.
        if (hasSpares) await refilled(core)
        const baseline = await milliseconds(() => cloneTemplate(core, template))
        pairs.push({ measured, baseline })
      }
      return [
        {
          name: 'POST /organizations, spare ready, p50',
          against: 'CREATE DATABASE … TEMPLATE',
          unit: 'ms',
          ...summarize(pairs),
          atLeast: atMost(0.5),
          aim: atMost(0.1),
          ...(!hasSpares && { note: 'no spares: the server keeps none, so each creation made its database' }),
        },
      ]
    }),
  )

async function refilled(core: pg.Client): Promise<void> {
  if (!(await sparesAreReady(core, SPARES, REFILLED_WITHIN_MS)))
    throw new Error(`${SPARES} spares were not ready within ${REFILLED_WITHIN_MS / 1_000} s`)
}
