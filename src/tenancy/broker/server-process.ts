import type pg from 'pg'
import { closeConnection } from '../../platform/index.ts'

/** While somebody who has gone still runs something, the server is asked again after so many milliseconds. */
const REPEAT_CANCEL_MS = 1_000

/** The server's process behind a connection: how it is stopped and let go. */
export class ServerProcess {
  readonly #client: pg.Client
  readonly #cancel: (client: pg.Client) => Promise<void>
  #cancelledAt: number | undefined
  #mayStillRun = false

  constructor(client: pg.Client, cancel: (client: pg.Client) => Promise<void>) {
    this.#client = client
    this.#cancel = cancel
  }

  /** Whether it was ever asked to stop what it runs; the request may have hit something else. */
  get wasCancelled(): boolean {
    return this.#cancelledAt !== undefined
  }

  /**
   * Whether to ask it to stop what it runs: it was not asked lately.
   *
   * @param since when that began
   * @param now both on the clock of `performance.now()`
   */
  mayCancel(since: number, now: number): boolean {
    const asked = this.#cancelledAt
    return asked === undefined || asked < since || now - asked >= REPEAT_CANCEL_MS
  }

  /** Asks it to stop what it runs; the request may be late, and hit what runs next. */
  cancel(now: number): void {
    this.#cancelledAt = now
    void this.#request()
  }

  /** Somebody gave up on an answer: it may not have noticed. */
  doubt(): void {
    this.#mayStillRun = true
  }

  /** Closes the connection; resolves when the server has let go of it. */
  async letGo(): Promise<void> {
    await closeConnection(this.#client)
    // When it was cut from this side, a busy one stays until it has something to send: it is told to stop.
    if (this.#mayStillRun && !this.#client.connection.stream.readableEnded) await this.#request()
  }

  async #request(): Promise<void> {
    try {
      await this.#cancel(this.#client)
    } catch {
      // Then it stops when its statement's time is over.
    }
  }
}
