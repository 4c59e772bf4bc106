import { setTimeout as sleep } from 'node:timers/promises'
import { databaseFault } from '../platform/index.ts'

const TRIES = 6
const FIRST_PAUSE_MS = 500
/** How soon a pause ends when nobody waits any more. */
const LOOK_EVERY_MS = 100

/**
 * Does `work` again while a server is away or full: half a minute in all, which outlasts its restart. The pauses grow and
 * differ, so that those who wait do not come back at the same moment.
 *
 * @throws what `work` throws in the end, or had thrown when `isStopped` said so
 */
export async function patiently<T>(
  work: () => Promise<T>,
  { isStopped, random = Math.random }: { isStopped: () => boolean; random?: () => number },
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work()
    } catch (error) {
      if (tries === TRIES || !isPassing(error)) throw error
      await pause(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + random()), isStopped)
      if (isStopped()) throw error
    }
  }
}

/** Whether an error says that a server is away or full, which may pass. */
export function isPassing(error: unknown): boolean {
  const fault = databaseFault(error)
  return fault === 'unavailable' || fault === 'overloaded'
}

async function pause(milliseconds: number, isStopped: () => boolean): Promise<void> {
  for (let left = milliseconds; left > 0 && !isStopped(); left -= LOOK_EVERY_MS)
    await sleep(Math.min(left, LOOK_EVERY_MS))
}
