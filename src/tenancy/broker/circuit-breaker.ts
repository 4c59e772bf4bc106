import { httpErrors } from '../../http/index.ts'
import { databaseFault } from '../../platform/index.ts'

/** Failures in a row after which a server is taken to be away. */
const FAILURES = 3
/** How long it is then left alone, twice as long after a further failure. A server that is back is found within a second. */
const FIRST_PAUSE_MS = 500
const LONGEST_PAUSE_MS = 1_000

/**
 * Answers at once for a server that does not: without it everybody who wants one of its tenants would wait for a time-out
 * of their own. After a pause one caller is let through to try, and the first success ends it.
 */
export class CircuitBreaker {
  readonly #now: () => number
  #failures = 0
  #pausedUntil = 0
  #isProbing = false

  /** @param now milliseconds on a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Whether the server is taken to be away. */
  get isOpen(): boolean {
    return this.#failures >= FAILURES
  }

  /** @throws httpErrors.databaseUnavailable without having run `work`, or what `work` throws */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (!this.isOpen) return await this.#watch(work)
    if (this.#isProbing || this.#now() < this.#pausedUntil) throw httpErrors.databaseUnavailable()
    this.#isProbing = true
    try {
      return await this.#watch(work)
    } finally {
      this.#isProbing = false
    }
  }

  async #watch<T>(work: () => Promise<T>): Promise<T> {
    try {
      const result = await work()
      this.#failures = 0
      return result
    } catch (error) {
      if (databaseFault(error) === 'unavailable') this.#fail()
      // Whatever else it says, it answers.
      else this.#failures = 0
      throw error
    }
  }

  #fail(): void {
    this.#failures++
    const doublings = Math.max(0, this.#failures - FAILURES)
    this.#pausedUntil = this.#now() + Math.min(FIRST_PAUSE_MS * 2 ** doublings, LONGEST_PAUSE_MS)
  }
}
