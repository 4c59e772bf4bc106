import type pg from 'pg'
import type { Destination } from './options.ts'

/** After a failed try to connect, the next one waits so many milliseconds. */
const RETRY_MS = 100

/** Hears how the tries ended. `isOutdated`: what was known when it began holds no longer. */
export interface ConnectorOwner {
  /**
   * Resolves when nothing more happens because of it.
   *
   * @param openingMs how long it took
   */
  connected(client: pg.Client, openingMs: number, isOutdated: boolean): Promise<void>
  notConnected(error: unknown, isOutdated: boolean): void
}

/** Opens one database's connections. Times are on the clock of `performance.now()`. */
export class Connector {
  readonly #owner: ConnectorOwner
  readonly #attempts = new Set<Promise<void>>()
  #opening = 0
  #generation = 0
  /** When it may be tried again, after a failure; 0 after a success. */
  #retryAt = 0

  constructor(owner: ConnectorOwner) {
    this.#owner = owner
  }

  /** How many connections are being opened. */
  get opening(): number {
    return this.#opening
  }

  /** Each resolves when its try has ended, and what it opened in vain is closed. */
  get attempts(): readonly Promise<void>[] {
    return [...this.#attempts]
  }

  /** Whether the last try failed just now. */
  isPausing(now: number): boolean {
    return this.#retryAt > now
  }

  /** After a failure one at a time, until one succeeds. */
  mayTry(now: number): boolean {
    return this.#retryAt === 0 || (this.#opening === 0 && this.#retryAt <= now)
  }

  /** Connections that are being opened now come too late to be used. */
  outdate(): void {
    this.#generation++
  }

  /** Begins to open a connection. */
  open(destination: Destination): void {
    this.#opening++
    const attempt = this.#try(destination, this.#generation).finally(() => this.#attempts.delete(attempt))
    this.#attempts.add(attempt)
  }

  async #try(destination: Destination, generation: number): Promise<void> {
    const startedAt = performance.now()
    let client: pg.Client
    try {
      client = await destination.open()
    } catch (error) {
      this.#opening--
      this.#retryAt = performance.now() + RETRY_MS
      this.#owner.notConnected(error, generation !== this.#generation)
      return
    }
    this.#opening--
    this.#retryAt = 0
    await this.#owner.connected(client, performance.now() - startedAt, generation !== this.#generation)
  }
}
