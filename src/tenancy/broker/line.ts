import { httpErrors } from '../../http/index.ts'
import { Chain } from './chain.ts'
import { GROW_AT } from './options.ts'
import type { Waiter } from './waiter.ts'

/**
 * Callers who wait for a connection to one database, in the order in which they came: nobody is served before the first,
 * so one who needs an unused connection gets the next that there is.
 */
export class Line {
  readonly #waiters = new Chain<Waiter>()
  /** Counts the callers in all lines. */
  readonly #total: { waiting: number }
  #needingUnused = 0

  constructor(total: { waiting: number }) {
    this.#total = total
  }

  get size(): number {
    return this.#waiters.size
  }

  /** How many connections would serve them well. */
  get connectionsNeeded(): number {
    return this.#needingUnused + Math.ceil((this.size - this.#needingUnused) / GROW_AT)
  }

  /** Lets a caller in at the end. */
  enter(waiter: Waiter): void {
    this.#count(waiter)
    this.#waiters.push(waiter)
  }

  /** Lets a caller in before all others, because he was served before them and has nothing of it. */
  enterFirst(waiter: Waiter): void {
    this.#count(waiter)
    this.#waiters.unshift(waiter)
  }

  /** The first who is still there; those before him who have gone are refused. */
  next(): Waiter | undefined {
    for (const waiter of this.#waiters) {
      if (!waiter.isAbandoned) return waiter
      this.refuse(waiter)
    }
    return undefined
  }

  leave(waiter: Waiter): void {
    this.#waiters.remove(waiter)
    if (waiter.needsUnused) this.#needingUnused--
    this.#total.waiting--
  }

  /** Tells a caller that he has waited in vain. */
  refuse(waiter: Waiter): void {
    this.leave(waiter)
    waiter.fail(httpErrors.overloaded())
  }

  /** Refuses those who have gone, and those who came before a moment on the clock of `performance.now()`. */
  refuseSince(moment: number): void {
    for (const waiter of this.#waiters)
      if (waiter.isAbandoned || waiter.waitingSince <= moment) this.refuse(waiter)
  }

  refuseAll(): void {
    for (const waiter of this.#waiters) this.refuse(waiter)
  }

  failAll(error: unknown): void {
    for (const waiter of this.#waiters) {
      this.leave(waiter)
      waiter.fail(error)
    }
  }

  #count(waiter: Waiter): void {
    waiter.waitingSince = performance.now()
    if (waiter.needsUnused) this.#needingUnused++
    this.#total.waiting++
  }
}
