// npm test: everything that must hold, the same here and in CI. `npm run check` leaves the tests out.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const TESTS_REPORT = join('coverage', 'tests.json')

const modules = (path: string) => join('node_modules', path)
const steps: readonly (readonly [name: string, ...command: string[]])[] = [
  ['types', modules('typescript/bin/tsc'), '--noEmit'],
  ['lint and format', modules('@biomejs/biome/bin/biome'), 'ci', '--error-on-warnings', '.'],
  [
    'structure',
    modules('dependency-cruiser/bin/dependency-cruiser.mjs'),
    '--config',
    '.dependency-cruiser.cjs',
    ...['src', 'test', 'bench', 'scripts'],
  ],
]

const tests = ['tests and coverage', modules('vitest/vitest.mjs'), 'run', '--coverage'] as const

/** Runs one step on this Node.js and says whether it passed. */
function passes([name, ...command]: readonly [string, ...string[]]): boolean {
  console.log(`\n── ${name}`)
  const { status } = spawnSync(process.execPath, command, { stdio: 'inherit' })
  return status === 0
}

interface TestReport {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numTotalTests: number
}

let passed = 0
let failed = 0
for (const step of steps) passes(step) ? passed++ : failed++

if (process.argv.includes('--tests')) {
  rmSync(TESTS_REPORT, { force: true })
  const isGreen = passes(tests)
  const report: TestReport = existsSync(TESTS_REPORT)
    ? JSON.parse(readFileSync(TESTS_REPORT, 'utf8'))
    : { numPassedTests: 0, numFailedTests: 0, numTotalTests: 0 }
  passed += report.numPassedTests
  failed += report.numFailedTests
  // Red without a failed test: the coverage gate, a file that would not load, a leak at the end.
  if (!isGreen && report.numFailedTests === 0) failed++
}

console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
