// npm run bench: measures against named baselines in the same run, interleaved, because machines differ and are noisy.
// Prints a table and the same as JSON. docs/bench.md says how to run and read it.
import { cpus } from 'node:os'
import { coldTenant } from './rows/cold-tenant.ts'
import { creationWithSpare } from './rows/creation-with-spare.ts'
import { creationWithoutSpare } from './rows/creation-without-spare.ts'
import { fleetRun } from './rows/fleet-run.ts'
import { fleetStatusRow } from './rows/fleet-status.ts'
import { growth } from './rows/growth.ts'
import { hotPath } from './rows/hot-path.ts'
import { logins } from './rows/logins.ts'
import { manyTenants } from './rows/many-tenants.ts'
import { manyTokens } from './rows/many-tokens.ts'
import type { Measurement } from './rows/measurement.ts'
import { memory } from './rows/memory.ts'
import { noisyNeighbour } from './rows/noisy-neighbour.ts'
import { waitingLogins } from './rows/waiting-logins.ts'
import { createEffort } from './support/effort.ts'
import { type Options, parseOptions, UsageError } from './support/options.ts'
import { printTable } from './support/report.ts'
import type { Row } from './support/row.ts'
import { withWorld } from './support/world.ts'

const MEASUREMENTS: Readonly<Record<string, Measurement>> = {
  'hot-path': hotPath,
  'creation-with-spare': creationWithSpare,
  'creation-without-spare': creationWithoutSpare,
  'cold-tenant': coldTenant,
  'many-tenants': manyTenants,
  'fleet-run': fleetRun,
  'fleet-status': fleetStatusRow,
  memory,
  'noisy-neighbour': noisyNeighbour,
  logins,
  'waiting-logins': waitingLogins,
  'many-tokens': manyTokens,
}

const options = readOptions()
const effort = createEffort(options)
const rows: Row[] = []
for (const [name, measurement] of Object.entries(MEASUREMENTS))
  if (options.only.includes(name)) rows.push(...(await measure(name, measurement)))
const growing = options.growth ? await measure('growth', growth) : []

if (rows.length > 0) printTable(title('Measurements'), rows)
if (growing.length > 0) printTable(title('With more databases on the server'), growing)
console.log(
  JSON.stringify({ node: process.version, cpus: cpus().length, quick: options.quick, rows, growing }),
)

async function measure(name: string, measurement: Measurement): Promise<Row[]> {
  process.stderr.write(`measuring ${name}\n`)
  return await withWorld((world) => measurement(world, effort))
}

function title(text: string): string {
  return options.quick ? `${text} (quick: a trial of the benchmark, no figures to quote)` : text
}

function readOptions(): Options {
  try {
    return parseOptions(process.argv.slice(2), Object.keys(MEASUREMENTS))
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exit(2)
  }
}
