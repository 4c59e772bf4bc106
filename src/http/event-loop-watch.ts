import type { Logger } from '../platform/index.ts'

/** How often it is looked; a turn that began just after a look seems this much shorter than it was. */
const LOOK_EVERY_MS = 100

/** How long no turn may be too long before requests are let in again. */
const RECOVERY_MS = 500

/**
 * The least share of a long turn for which the thread had the processor. With less, the machine was paused or gave its time
 * to others, and to refuse requests after that would help nobody.
 */
const OWN_SHARE = 0.25

/**
 * Knows whether the event loop is blocked: one turn of it took longer than a client should wait for the first byte.
 *
 * Only the length of a turn counts, never how busy the process is. A server that is asked by as many clients as it can
 * serve is busy all the time, with turns of milliseconds, and serves all of them. When turns take a second, requests
 * gather faster than they are answered, and to refuse the new ones at once is the only way back.
 */
export class EventLoopWatch {
  readonly #maxDelayMs: number
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #isBlocked = false
  #dueAt = 0
  #used = process.threadCpuUsage()
  #recoversAt = 0

  /** @param maxDelayMs milliseconds that a turn may take */
  constructor(maxDelayMs: number, log: Logger) {
    this.#maxDelayMs = maxDelayMs
    this.#log = log
  }

  /** Whether new requests are to be refused. Read for every request, so it is a field and no calculation. */
  get isBlocked(): boolean {
    return this.#isBlocked
  }

  /** Begins to look; the timer keeps no process alive. */
  start(): void {
    this.stop()
    this.#dueAt = performance.now() + LOOK_EVERY_MS
    this.#used = process.threadCpuUsage()
    this.#timer = setInterval(() => this.#look(performance.now()), LOOK_EVERY_MS).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#isBlocked = false
  }

  /** Runs late by what the turn before took. Node.js runs timers before it reads the requests that came meanwhile. */
  #look(now: number): void {
    const delayMs = now - this.#dueAt
    this.#dueAt = now + LOOK_EVERY_MS
    const { user, system } = process.threadCpuUsage(this.#used)
    this.#used = process.threadCpuUsage()
    const workedMs = (user + system) / 1_000
    if (delayMs > this.#maxDelayMs && workedMs > delayMs * OWN_SHARE) {
      this.#recoversAt = now + RECOVERY_MS
      this.#log.warn({ delay_ms: Math.round(delayMs) }, 'the event loop was blocked: refusing new requests')
    }
    this.#isBlocked = now < this.#recoversAt
  }
}
