import fc from 'fast-check'

/** How many times as much as usual is tried: 1 in `npm test`, 20 in `npm run test:slow`. The only place that reads it. */
const EFFORT = Math.max(1, Number(process.env['TEST_EFFORT'] ?? 1))
const SEED = process.env['TEST_SEED']

if (EFFORT > 1) {
  const seed = SEED === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(SEED)
  fc.configureGlobal({ ...fc.readConfigureGlobal(), seed })
  process.stdout.write(`properties and races: effort ${EFFORT}, TEST_SEED=${seed}\n`)
}

/** How often a property is tried. */
export function runs(usual: number): number {
  return usual * EFFORT
}

/** How long it may take, in milliseconds. */
export function within(usualMs: number): number {
  return usualMs * EFFORT
}
