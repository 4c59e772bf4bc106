const INTERVAL_MS = 20

/**
 * Looks around every 20 ms, but only while there is something to look at: one timer for everybody instead of one, or a
 * listener, for each statement and caller.
 */
export class Patrol {
  readonly #look: () => boolean
  #timer: NodeJS.Timeout | undefined

  /** @param look says whether there is more to come */
  constructor(look: () => boolean) {
    this.#look = look
  }

  wake(): void {
    this.#timer ??= setTimeout(() => this.#round(), INTERVAL_MS).unref()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #round(): void {
    if (this.#look()) this.#timer?.refresh()
    else this.#timer = undefined
  }
}
