import type { Schedule } from './schedule.ts'
import type { AccountUse } from './store.ts'

interface Known {
  failures: number
  blockedUntilMs: number
  expiresAtMs: number
}

/** Most accounts remembered; about 2 MB. */
const MOST = 10_000

/** Counts the attempts at accounts in this process alone, by the same schedule, while the core database takes no writes. */
export class MemoryCounter {
  readonly #known = new Map<string, Known>()
  readonly #schedule: Schedule

  constructor(schedule: Schedule) {
    this.#schedule = schedule
  }

  /**
   * Counts an attempt as a failure, unless it comes too early.
   *
   * @param nowMs any clock that does not go back
   */
  count(key: string, nowMs: number): AccountUse {
    const known = this.#known.get(key)
    if (known && known.blockedUntilMs > nowMs)
      return {
        isAllowed: false,
        failures: known.failures,
        secondsLeft: (known.blockedUntilMs - nowMs) / 1000,
      }
    const { delays, lives } = this.#schedule
    const before = known && known.expiresAtMs > nowMs ? known.failures : 0
    const failures = Math.min(before + 1, delays.length)
    const [delay = 0, life = 0] = [delays[failures - 1], lives[failures - 1]]
    this.#known.delete(key)
    this.#known.set(key, {
      failures,
      blockedUntilMs: nowMs + delay * 1000,
      expiresAtMs: nowMs + life * 1000,
    })
    if (this.#known.size > MOST) this.#forgetOldest()
    return { isAllowed: true, failures, secondsLeft: delay }
  }

  /**
   * Takes back an attempt whose secret was not checked after all.
   *
   * @param failures what counting it gave
   */
  takeBack(key: string, failures: number, nowMs: number): void {
    const known = this.#known.get(key)
    if (!known) return
    // Only the last one decided how long to wait.
    if (known.failures === failures) known.blockedUntilMs = nowMs
    known.failures = Math.max(0, known.failures - 1)
  }

  forget(key: string): void {
    this.#known.delete(key)
  }

  #forgetOldest(): void {
    for (const key of this.#known.keys()) {
      this.#known.delete(key)
      return
    }
  }
}
