/** Runs one load per key at a time: callers that come while it runs share its result, or its error. */
export class SingleFlight<Key, Value> {
  readonly #running = new Map<Key, Promise<Value>>()

  run(key: Key, load: () => Promise<Value>): Promise<Value> {
    const running = this.#running.get(key)
    if (running !== undefined) return running
    const started = load().finally(() => {
      if (this.#running.get(key) === started) this.#running.delete(key)
    })
    this.#running.set(key, started)
    return started
  }

  /** Lets the next caller load afresh although an older load still runs, so that a stale result is not shared. */
  forget(key: Key): void {
    this.#running.delete(key)
  }
}
