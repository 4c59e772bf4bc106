/** What one client used of one policy since `startedAt`. */
interface Window {
  used: number
  readonly endsAt: number
}

/** Most clients remembered; about 15 MB. The keys are the attacker's, so that memory must not follow them. */
const MAX_CLIENTS = 100_000

/**
 * Counts in fixed windows: the first request of a client opens one, and when it is over the next request opens
 * another. Where there are too many clients the oldest window is forgotten, which errs on the side of the client.
 */
export class RateCounter {
  readonly #windows = new Map<string, Window>()
  readonly #maxClients: number

  constructor(maxClients = MAX_CLIENTS) {
    this.#maxClients = maxClients
  }

  /**
   * Counts one request.
   *
   * @param key client and policy
   * @param nowMs any clock that does not go back
   */
  count(key: string, windowMs: number, nowMs: number): Readonly<Window> {
    const window = this.#windows.get(key)
    if (window && window.endsAt > nowMs) {
      window.used++
      return window
    }
    const opened = { used: 1, endsAt: nowMs + windowMs }
    // Deleted first, so that the map's order stays that of the windows' age.
    this.#windows.delete(key)
    this.#windows.set(key, opened)
    if (this.#windows.size > this.#maxClients) this.#forgetOldest()
    return opened
  }

  get clients(): number {
    return this.#windows.size
  }

  #forgetOldest(): void {
    for (const key of this.#windows.keys()) {
      this.#windows.delete(key)
      return
    }
  }
}
