import type { Backend } from './backend.ts'
import { Chain, type Linked } from './chain.ts'
import type { BrokerOptions } from './options.ts'

/** Who may need a place for another connection. */
export interface Contender extends Linked<Contender> {
  /** Connections that serve its callers, or will. */
  readonly usable: number
  /** Whether it would open another connection now. */
  readonly wants: boolean
  /** Begins to open a connection, on a place that is taken for it. */
  open(): void
}

/** What the places that a broker shares out are governed by: see `BrokerOptions`. */
export type PlacesOptions = Required<Pick<BrokerOptions, 'max' | 'maxWaitMs' | 'turnMs' | 'turnOpenings'>>

type Turn = Pick<Backend, 'bornAt' | 'openingMs' | 'owner'>

/** A turn of everybody who waits lasts at most this part of the time that they wait. */
const ROUND_OF_WAIT = 0.25

/** A connection unused for longer than this, in milliseconds, may go so that a busy tenant gets one more. */
const COLD_MS = 1_000

/** An unused connection younger than this, in milliseconds, is left to its tenant while the other has one too. */
const WARM_MS = 100

/**
 * The places for connections, and who waits for one. Lanes without any connection come first, those that want more
 * after them, the one with the fewest first; among equals the one that waits longest gets a place and goes to the end. What
 * is done for each statement costs no more when more tenants wait than there are places.
 */
export class Places {
  /** Connections that nobody uses, the longest unused first. */
  readonly idle = new Chain<Backend>()
  readonly #options: PlacesOptions
  readonly #withNone = new Chain<Contender>()
  readonly #withSome = new Chain<Contender>()
  #taken = 0
  #coming = 0

  constructor(options: PlacesOptions) {
    this.#options = options
  }

  get taken(): number {
    return this.#taken
  }

  get hasFree(): boolean {
    return this.#taken < this.#options.max
  }

  /** Whether somebody waits for a place that is not on its way yet. */
  get isShort(): boolean {
    return this.#coming < this.#withNone.size + this.#withSome.size
  }

  /** Takes a free place. */
  take(): void {
    if (!this.hasFree) throw new Error('no free place')
    this.#taken++
  }

  /** Takes a place that nobody waits for, if there is one. When there is none, makes one from what is hardly used. */
  takeSpare(now: number): boolean {
    if (this.hasFree) {
      this.#taken++
      return true
    }
    const coldest = this.idle.first
    if (this.#coming === 0 && coldest && now - coldest.idleSince > COLD_MS) coldest.retire()
    return false
  }

  /** Gives a place back, to whoever waits for one. */
  free(): void {
    this.#taken--
    while (this.hasFree) {
      const next = this.#withNone.shift() ?? this.#takePoorest()
      if (!next) return
      this.consider(next)
    }
  }

  /** Gives a contender the free places that it wants; while there is none, lets it wait in the right line. */
  consider(contender: Contender): void {
    while (contender.wants && this.hasFree) {
      this.take()
      contender.open()
    }
    const line = contender.wants ? this.#lineOf(contender) : undefined
    if (contender.chain !== line) {
      contender.chain?.remove(contender)
      line?.push(contender)
    }
    if (line) this.makeRoom(performance.now())
  }

  /** Closes unused connections for those who wait. */
  makeRoom(now: number): void {
    while (this.isShort) {
      const victim = this.idle.first
      if (!victim || !this.#mayClose(victim, now)) return
      victim.retire()
    }
  }

  /** Whether a connection that did its turn must make room for another tenant, though its own is not done. */
  mustGiveUp(backend: Turn, now: number): boolean {
    if (!this.isShort || now - backend.bornAt < this.#turnOf(backend)) return false
    return this.#coming < this.#withNone.size || this.#isRicher(backend.owner)
  }

  /** Counts a connection's place as one that becomes free soon, or no longer. */
  expect(backend: Backend, isComing: boolean): void {
    if (backend.isComing === isComing) return
    backend.isComing = isComing
    this.#coming += isComing ? 1 : -1
  }

  /**
   * Whoever gives up a connection opens another: where all are busy and each turn is short, most of the time goes into that.
   * But all who wait must have had a turn long before the first of them is refused.
   */
  #turnOf({ openingMs }: Turn): number {
    const { max, maxWaitMs, turnMs, turnOpenings } = this.#options
    const longest = (maxWaitMs * ROUND_OF_WAIT * max) / (this.#withNone.size + this.#withSome.size)
    return Math.max(turnMs, Math.min(turnOpenings * openingMs, longest))
  }

  #lineOf(contender: Contender): Chain<Contender> {
    return contender.usable === 0 ? this.#withNone : this.#withSome
  }

  #mayClose(victim: Backend, now: number): boolean {
    return (
      this.#coming < this.#withNone.size || now - victim.idleSince > WARM_MS || this.#isRicher(victim.owner)
    )
  }

  #takePoorest(): Contender | undefined {
    let poorest = this.#withSome.first
    for (const one of this.#withSome) if (poorest && one.usable < poorest.usable) poorest = one
    if (poorest) this.#withSome.remove(poorest)
    return poorest
  }

  /** Whether one that waits, and the owner, would be closer to equal if the owner gave one up. */
  #isRicher({ usable }: { readonly usable: number }): boolean {
    // Each of those has a connection, so there are no more of them than places.
    for (const poorer of this.#withSome) if (poorer.usable + 1 < usable) return true
    return false
  }
}
