import { type Logger, runInContext } from '../platform/index.ts'

/** Work that is repeated in the background. */
export interface Chore {
  readonly name: string
  /** @returns whether there is more to do at once */
  run(): Promise<boolean>
  /** Milliseconds between two runs that found nothing more to do. */
  readonly intervalMs: number
  /** Milliseconds between two runs while there is more to do: the limit of its rate. */
  readonly pauseMs: number
}

/** Runs chores until it is stopped, each after its own clock and never twice at once. One that fails is run again. */
export class Worker {
  readonly #chores: Chore[]
  readonly #log: Logger
  readonly #timers = new Map<Chore, NodeJS.Timeout>()
  readonly #running = new Map<Chore, Promise<void>>()
  #isStarted = false

  constructor(chores: readonly Chore[], log: Logger) {
    this.#chores = [...chores]
    this.#log = log
  }

  /** Takes on one more chore, before the start. */
  add(chore: Chore): void {
    this.#chores.push(chore)
  }

  start(): void {
    this.#isStarted = true
    for (const chore of this.#chores) this.#run(chore)
  }

  /** Runs a chore soon instead of at its next time; nothing happens while the worker is not started. */
  wake(name: string): void {
    for (const chore of this.#chores) if (chore.name === name) this.#schedule(chore, chore.pauseMs)
  }

  /** Ends after what is being done now. */
  async stop(): Promise<void> {
    this.#isStarted = false
    for (const timer of this.#timers.values()) clearTimeout(timer)
    await Promise.all(this.#running.values())
  }

  #schedule(chore: Chore, delayMs: number): void {
    if (!this.#isStarted) return
    clearTimeout(this.#timers.get(chore))
    this.#timers.set(chore, setTimeout(() => this.#run(chore), delayMs).unref())
  }

  #run(chore: Chore): void {
    if (this.#running.has(chore)) return
    // Not in the context of the request that woke it: log lines would name that one for ever.
    const run = runInContext({}, () => chore.run())
      .catch((error: unknown) => {
        this.#log.error({ err: error, chore: chore.name }, 'a background chore failed')
        return false
      })
      .then((hasMore) => {
        this.#running.delete(chore)
        this.#schedule(chore, hasMore ? chore.pauseMs : chore.intervalMs)
      })
    this.#running.set(chore, run)
  }
}
