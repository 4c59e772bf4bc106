import { type Logger, newId } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { MemoryCounter } from './memory.ts'
import { createPresence } from './presence.ts'
import type { Schedule } from './schedule.ts'
import {
  type AccountUse,
  countAttempt,
  countNetwork,
  forget,
  type NetworkCount,
  type NetworkUse,
  takeBack,
} from './store.ts'

/** An attempt that was counted, by the core database or, while that is away, by this process. */
export interface CountedAttempt {
  /** `undefined` where the network used up its limit. */
  readonly account: AccountUse | undefined
  /** `undefined` where only this process counted. */
  readonly network: NetworkUse | undefined
  takeBack(): Promise<void>
}

export interface Attempts {
  count(key: string, network?: NetworkCount): Promise<CountedAttempt>
  /** `undefined` while the core database takes no writes. */
  countNetwork(network: NetworkCount): Promise<NetworkUse | undefined>
  forget(key: string): Promise<void>
}

export function createAttempts(core: CoreDb, schedule: Schedule, log: Logger): Attempts {
  const memory = new MemoryCounter(schedule)
  const whilePresent = createPresence(log)
  return {
    count: async (key, network) => {
      const attemptId = newId()
      // One round trip of 0.3 ms before 15 ms of hashing, for a count that no number of processes widens.
      const counted = await whilePresent(() => countAttempt(core, { key, schedule, attemptId }, network))
      if (counted) return { ...counted, takeBack: () => takeBack(core, key, attemptId) }
      const account = memory.count(key, performance.now())
      return {
        account,
        network: undefined,
        takeBack: async () => memory.takeBack(key, account.failures, performance.now()),
      }
    },
    countNetwork: (network) => whilePresent(() => countNetwork(core, network)),
    forget: async (key) => {
      memory.forget(key)
      await whilePresent(() => forget(core, key))
    },
  }
}
