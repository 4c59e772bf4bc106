import { type Clock, type Id, newId } from '../platform/index.ts'
import type { Letter } from './letter.ts'

/** A mail that nobody delivered: it waits here for a developer, or a test, to read it. */
export interface KeptLetter extends Letter {
  readonly id: Id
  /** What it is for, such as `password-reset`. */
  readonly kind: string
  readonly createdAt: Date
}

/** Most mails that are kept. */
const CAPACITY = 100

/** Keeps the newest mails in memory, in place of sending them. */
export class Outbox {
  readonly #letters: KeptLetter[] = []
  readonly #clock: Clock
  readonly #capacity: number

  constructor(clock: Clock, capacity = CAPACITY) {
    this.#clock = clock
    this.#capacity = capacity
  }

  keep(kind: string, letter: Letter): void {
    this.#letters.unshift({ id: newId(), kind, createdAt: this.#clock.now(), ...letter })
    this.#letters.length = Math.min(this.#letters.length, this.#capacity)
  }

  /** Newest first. */
  list(): readonly KeptLetter[] {
    return [...this.#letters]
  }
}
