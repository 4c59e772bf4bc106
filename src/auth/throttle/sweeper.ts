import type { Chore, CoreDb } from '../../tenancy/index.ts'
import { sweep } from './store.ts'

/**
 * Most rows, some 200 MB. The keys are the attacker's: beyond it those that say the least go first, which are the ones of a
 * flood of made-up addresses.
 */
const ROWS = 1_000_000
const BATCH = 10_000

/** Deletes counts that say nothing any more. */
export function sweeper(core: CoreDb, bounds = { rows: ROWS, batch: BATCH }): Chore {
  return {
    name: 'throttle sweep',
    run: async () => (await sweep(core, bounds)) === bounds.batch,
    intervalMs: 60_000,
    pauseMs: 100,
  }
}
