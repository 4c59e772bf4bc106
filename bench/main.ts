// npm run bench: measures against named baselines in the same run, interleaved, because machines differ and are noisy.
// Prints a table and the same as JSON. --rounds N sets how often each pair is measured.
import { creation } from './rows/create-organization.ts'
import { hotPath } from './rows/hot-path.ts'
import { printReport } from './support/report.ts'
import { createWorld } from './support/world.ts'

const given = process.argv.indexOf('--rounds')
const rounds = given > 0 ? Number(process.argv[given + 1]) : undefined
if (rounds !== undefined && !(rounds >= 1)) {
  console.error('--rounds takes a number from 1')
  process.exit(2)
}

const world = await createWorld()
try {
  printReport([await hotPath(world, rounds ?? 5), await creation(world, rounds ?? 21)])
} finally {
  await world.close()
}
