import { databaseFault, type Logger } from '../../platform/index.ts'

/** How long the core database is not asked again after it was away, so that not every sign-in waits for it. */
const AWAY_MS = 5_000

/** Runs `work`, or gives `undefined` while the core database takes no writes. */
export type WhilePresent = <T>(work: () => Promise<T>) => Promise<T | undefined>

/**
 * While the core database takes no writes each process counts for itself: people of an organization whose own database is
 * there can sign in without the core one. Only then: who merely keeps it busy gets no second counter.
 */
export function createPresence(log: Logger): WhilePresent {
  let awayUntilMs = Number.NEGATIVE_INFINITY
  return async (work) => {
    if (performance.now() < awayUntilMs) return undefined
    try {
      return await work()
    } catch (error) {
      if (!isAway(error)) throw error
      awayUntilMs = performance.now() + AWAY_MS
      log.warn({ err: error }, 'attempts are counted by this process alone')
      return undefined
    }
  }
}

/** Whether the server, or the system in its place, said so. What only took too long may be a crowd of the attacker's own. */
function isAway(error: unknown): boolean {
  if (databaseFault(error) !== 'unavailable') return false
  for (let current = error; current instanceof Error; current = current.cause)
    if ('code' in current && current.code !== undefined) return current.code !== 'ETIMEDOUT'
  return false
}
