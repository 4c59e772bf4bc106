/** The queue is full, or the wait for a place took too long. */
export class WorkQueueFullError extends Error {
  override readonly name = 'WorkQueueFullError'
}

export interface WorkQueueOptions {
  /** How many run at once. */
  readonly running: number
  /** How many may wait; one more is refused at once. */
  readonly waiting: number
  /** Milliseconds after which a waiting one is refused. */
  readonly maxWaitMs: number
}

/** Runs expensive work a few at a time, first come first served, and refuses what would wait too long. */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  readonly #waiting: { start(): void }[] = []
  #running = 0

  constructor(options: WorkQueueOptions) {
    this.#options = options
  }

  /** @throws WorkQueueFullError without having run `work` */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#takePlace()
    try {
      return await work()
    } finally {
      this.#passPlaceOn()
    }
  }

  #takePlace(): Promise<void> {
    if (this.#running < this.#options.running) {
      this.#running++
      return Promise.resolve()
    }
    if (this.#waiting.length >= this.#options.waiting)
      return Promise.reject(new WorkQueueFullError('queue full'))
    return new Promise((resolve, reject) => {
      const waiter = {
        start: () => {
          clearTimeout(timer)
          resolve()
        },
      }
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(new WorkQueueFullError('waited too long'))
      }, this.#options.maxWaitMs)
      this.#waiting.push(waiter)
    })
  }

  #passPlaceOn(): void {
    const next = this.#waiting.shift()
    if (next) next.start()
    else this.#running--
  }
}
