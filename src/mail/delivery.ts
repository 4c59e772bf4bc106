import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, WorkQueue } from '../platform/index.ts'
import type { Letter } from './letter.ts'
import { type Deliver, isFinal } from './smtp.ts'

export interface DeliveryOptions {
  readonly deliver: (letter: Letter) => Deliver
  readonly log: Logger
  /** Milliseconds before each further try. */
  readonly pausesMs: readonly number[]
}

/** Connections to the mail server at once. */
const RUNNING = 4
/** Mails that are under way or wait for their next try; one more is dropped. */
const MOST = 1_000
const MAX_WAIT_MS = 10 * 60_000

/** Carries letters to the mail server behind everybody's back: a few at a time, each tried several times. */
export class Delivery {
  readonly #queue = new WorkQueue({ running: RUNNING, waiting: MOST, maxWaitMs: MAX_WAIT_MS })
  readonly #underWay = new Set<Promise<void>>()
  readonly #hurry = new AbortController()
  readonly #options: DeliveryOptions

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  /** Takes a letter, and never throws. What cannot be delivered is logged, without its recipient and its text. */
  take(kind: string, letter: Letter): void {
    if (this.#underWay.size >= MOST) {
      this.#options.log.error({ kind }, 'a mail was dropped: too many wait already')
      return
    }
    const carried = this.#carry(kind, letter).finally(() => this.#underWay.delete(carried))
    this.#underWay.add(carried)
  }

  /** How many letters are not delivered yet. */
  get size(): number {
    return this.#underWay.size
  }

  /** Tries at once what waits for its next try, for the last time, and waits for all. */
  async finish(): Promise<void> {
    this.#hurry.abort()
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  async #carry(kind: string, letter: Letter): Promise<void> {
    const { log, pausesMs } = this.#options
    const deliver = this.#options.deliver(letter)
    for (let tries = 1; ; tries++) {
      try {
        return await this.#queue.run(() => deliver(letter))
      } catch (error) {
        const pauseMs = pausesMs[tries - 1]
        const isLast = pauseMs === undefined || isFinal(error) || this.#hurry.signal.aborted
        const about = { kind, tries, ...describeFailure(error) }
        if (isLast) return log.error(about, 'a mail could not be delivered')
        log.warn(about, 'a mail could not be delivered yet')
        await sleep(pauseMs, undefined, { signal: this.#hurry.signal }).catch(() => undefined)
      }
    }
  }
}

/** What went wrong, in the words of neither side: a server's answer repeats addresses, and ours could hold a password. */
function describeFailure(error: unknown): object {
  if (!(error instanceof Error)) return {}
  return {
    ...('code' in error && { code: error.code }),
    ...('command' in error && { command: error.command }),
    ...('responseCode' in error && { response_code: error.responseCode }),
  }
}
