import type { FleetEvent } from '../../fleet/index.ts'
import type { TextSink } from '../output.ts'

export interface ProgressOptions {
  readonly sink: TextSink
  /** One line that is drawn again and again; without a terminal a new line every few seconds. */
  readonly terminal: boolean
  /** Milliseconds that only grow. */
  readonly now: () => number
}

const DRAWN_EVERY_MS = 100
const TOLD_EVERY_MS = 5_000
/** Nothing may end for minutes, and the time that is left changes all the same. */
const LOOKED_AT_EVERY_MS = 1_000
const BAR_WIDTH = 20
/** To the start of the line, and clear it. */
const REDRAW = '\r\u001b[K'

/** The one line that says how far a run is: `[####......] 412/1000  8.3/s  eta 71s  failed 2`. */
export class Progress {
  readonly #options: ProgressOptions
  readonly #start: number
  #drawnAt: number
  #tenants = 0
  #ended = 0
  #failed = 0
  readonly #timer: NodeJS.Timeout

  constructor(options: ProgressOptions) {
    this.#options = options
    this.#start = options.now()
    this.#drawnAt = this.#start
    this.#timer = setInterval(
      () => this.#drawIfOlderThan(options.terminal ? LOOKED_AT_EVERY_MS : TOLD_EVERY_MS),
      LOOKED_AT_EVERY_MS,
    )
    this.#timer.unref()
  }

  note(event: FleetEvent): void {
    if (event.kind === 'planned') this.#tenants += event.tenants
    if (event.kind !== 'tenant') return
    this.#ended++
    // Born while the run went on.
    this.#tenants = Math.max(this.#tenants, this.#ended)
    if (event.status === 'failed') this.#failed++
    this.#drawIfOlderThan(this.#options.terminal ? DRAWN_EVERY_MS : TOLD_EVERY_MS)
  }

  /** Takes the line away, so that what is written next begins a line of its own. */
  end(): void {
    clearInterval(this.#timer)
    if (this.#options.terminal) this.#options.sink.write(REDRAW)
  }

  #drawIfOlderThan(milliseconds: number): void {
    const { sink, terminal, now } = this.#options
    if (now() - this.#drawnAt < milliseconds) return
    this.#drawnAt = now()
    sink.write(terminal ? `${REDRAW}${this.#line()}` : `${this.#line()}\n`)
  }

  #line(): string {
    const seconds = Math.max(0.001, (this.#options.now() - this.#start) / 1_000)
    const rate = this.#ended / seconds
    const eta = rate > 0 ? `${Math.ceil((this.#tenants - this.#ended) / rate)}s` : '-'
    const filled = Math.round((BAR_WIDTH * this.#ended) / Math.max(1, this.#tenants))
    const bar = '#'.repeat(filled).padEnd(BAR_WIDTH, '.')
    return `[${bar}] ${this.#ended}/${this.#tenants}  ${rate.toFixed(1)}/s  eta ${eta}  failed ${this.#failed}`
  }
}
