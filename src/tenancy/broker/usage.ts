import type { LeaseRequest } from './lease.ts'
import { SLOW_MS } from './options.ts'
import { Cleaning } from './session-state.ts'
import type { Statement, Waiter } from './waiter.ts'

/** Who uses a connection: statements under way, or one holder. Times are on the clock of `performance.now()`. */
export class Usage {
  /** In the order in which they were sent, which is that of the answers. */
  readonly #inFlight: Statement[] = []
  #lease: LeaseRequest | undefined
  /** Since when the first in flight, or the lease, runs. */
  #since = 0

  /** How many use it. */
  get load(): number {
    return this.#lease ? 1 : this.#inFlight.length
  }

  /** How many statements of those who share it are under way. */
  get inFlight(): number {
    return this.#inFlight.length
  }

  get isLent(): boolean {
    return this.#lease !== undefined
  }

  /** What runs now, and who waits for it. */
  get running(): Waiter | undefined {
    return this.#lease ?? this.#inFlight[0]
  }

  get since(): number {
    return this.#since
  }

  /** Whether only the clean-up after somebody who is done is under way. */
  get isCleaning(): boolean {
    return this.#inFlight.length === 1 && this.#inFlight[0] instanceof Cleaning
  }

  /** Whether what runs now takes so long that nobody should stand behind it. */
  isSlow(now: number): boolean {
    return this.load > 0 && now - this.#since > SLOW_MS
  }

  /** A statement is on its way. */
  add(statement: Statement, now: number): void {
    if (this.#inFlight.length === 0) this.#since = now
    this.#inFlight.push(statement)
  }

  /** A statement has its answer. `false` when it was not under way any more. */
  remove(statement: Statement, now: number): boolean {
    const index = this.#inFlight.indexOf(statement)
    if (index < 0) return false
    if (index === 0) this.#inFlight.shift()
    else this.#inFlight.splice(index, 1)
    this.#since = now
    return true
  }

  /** No statement gets its answer any more; gives those that waited for one. */
  removeAll(): readonly Statement[] {
    return this.#inFlight.splice(0)
  }

  lend(request: LeaseRequest, now: number): void {
    this.#lease = request
    this.#since = now
  }

  takeBack(): void {
    this.#lease = undefined
  }
}
