import { setTimeout as pause } from 'node:timers/promises'
import type { Server } from '../../acceptance/support/workspace.ts'
import { type Resident, readProfile } from './house.ts'

const PAUSE_MS = 20

/** Somebody who reads the own profile without end, and notes what came and how long it took. */
export class SteadyReader {
  readonly #reading: Promise<void>
  readonly #statuses = new Map<number, number>()
  #slowestMs = 0
  #isOver = false

  constructor(server: Server, resident: Resident) {
    this.#reading = this.#read(server, resident)
  }

  /** How often each status came. */
  get statuses(): Readonly<Record<number, number>> {
    return Object.fromEntries(this.#statuses)
  }

  /** Milliseconds that the slowest answer took. */
  get slowestMs(): number {
    return this.#slowestMs
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#reading
  }

  async #read(server: Server, resident: Resident): Promise<void> {
    while (!this.#isOver) {
      const began = performance.now()
      const { status } = await readProfile(server, resident)
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - began)
      this.#statuses.set(status, (this.#statuses.get(status) ?? 0) + 1)
      await pause(PAUSE_MS)
    }
  }
}
