import { LRUCache } from 'lru-cache'
import { type Clock, type Id, type Logger, runDetached, SingleFlight } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { findCoreUser } from '../../users/index.ts'

/** How long an answer is good. Sessions of a disabled account end at their next refresh, which is later. */
const KNOWN_MS = 60_000
const MAX_KNOWN = 10_000

interface Known {
  readonly isActive: boolean
  readonly until: number
}

/**
 * Says whether the platform account of somebody who made keys is active, as it was in the last minute. A linked member's
 * sessions hang on that account, and so do its keys. While the core database is away, what was known goes on.
 */
export function createMakerAccounts(options: {
  readonly core: CoreDb
  readonly clock: Clock
  readonly log: Logger
}): (coreUserId: Id) => Promise<boolean> {
  const { core, clock, log } = options
  const known = new LRUCache<Id, Known>({ max: MAX_KNOWN })
  const looks = new SingleFlight<Id, Known>()

  const look = async (coreUserId: Id): Promise<Known> => {
    const isActive = await runDetached(() => findCoreUser(core, coreUserId)).then(
      (user) => user?.isActive ?? false,
      (error) => {
        log.warn({ err: error }, 'the platform account of an API key could not be looked up')
        return known.get(coreUserId)?.isActive ?? true
      },
    )
    const looked = { isActive, until: clock.now().getTime() + KNOWN_MS }
    known.set(coreUserId, looked)
    return looked
  }

  return async (coreUserId) => {
    const last = known.get(coreUserId)
    if (last && last.until > clock.now().getTime()) return last.isActive
    return (await looks.run(coreUserId, () => look(coreUserId))).isActive
  }
}
