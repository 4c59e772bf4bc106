import { setTimeout as sleep } from 'node:timers/promises'
import { databaseFault } from '../platform/index.ts'

const TRIES = 6
const FIRST_PAUSE_MS = 500

/**
 * Does `work` again while a server is away or full: half a minute in all, which outlasts its restart. The pauses grow and
 * differ, so that those who wait do not come back at the same moment.
 *
 * @throws what `work` throws in the end
 */
export async function patiently<T>(
  work: () => Promise<T>,
  { isStopped, random = Math.random }: { isStopped: () => boolean; random?: () => number },
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === TRIES || isStopped() || !isPassing(error)) throw error
      await sleep(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + random()))
    }
  }
}

function isPassing(error: unknown): boolean {
  const fault = databaseFault(error)
  return fault === 'unavailable' || fault === 'overloaded'
}
