import { type ConnectionSource, withDeadline } from '../../platform/index.ts'
import { requestCancel } from './cancel.ts'
import { Lane } from './lane.ts'
import type { BrokerOptions, BrokerStats, Destination } from './options.ts'
import { Patrol } from './patrol.ts'
import { Places } from './places.ts'
import type { Shared } from './shared.ts'

const DEFAULTS = {
  maxWaiting: 1_000,
  maxLifeMs: 1_800_000,
  pipelineDepth: 8,
  turnMs: 20,
  turnOpenings: 4,
  cancel: requestCancel,
  isAway: () => false,
}

const CLOSE_WITHIN_MS = 1_000

/** How often connections that nobody uses are looked for, at most and at least, in milliseconds. */
const SWEEP_MS = { most: 10, least: 5_000 }

/**
 * Lends the connections of one PostgreSQL server under one hard limit. A connection belongs to one database for life, so
 * each database has a lane of its own; the places for connections are what the lanes compete for.
 */
export class ConnectionBroker {
  /** Those that have connections or callers. */
  readonly #lanes = new Map<string, Lane>()
  readonly #places: Places
  readonly #shared: Shared
  readonly #patrol = new Patrol(() => this.#look())
  readonly #sweeper: NodeJS.Timeout

  constructor(given: BrokerOptions) {
    const options = { ...DEFAULTS, ...given }
    this.#places = new Places(options)
    this.#shared = {
      options,
      places: this.#places,
      waiting: 0,
      isClosed: false,
      wake: () => this.#patrol.wake(),
      forget: (database) => void this.#lanes.delete(database),
    }
    const interval = Math.min(SWEEP_MS.least, Math.max(SWEEP_MS.most, options.idleMs / 4))
    this.#sweeper = setInterval(() => this.#sweep(), interval).unref()
  }

  /** Places taken: connections that are being opened, open, or being closed. */
  get openConnections(): number {
    return this.#places.taken
  }

  /** A source of connections to one database; what goes wrong there comes out as tenancy errors. Costs nothing unused. */
  sourceFor(destination: Destination): ConnectionSource {
    let known: Lane | undefined
    const lane = () => {
      if (known === undefined || known.isForgotten) known = this.#laneTo(destination)
      return known
    }
    return {
      query: (statement, values) => lane().query(statement, values),
      exclusive: (work) => lane().exclusive(work),
    }
  }

  stats(): BrokerStats {
    let busy = 0
    for (const lane of this.#lanes.values()) busy += lane.busy
    const { taken, idle } = this.#places
    return { open: taken, busy, idle: idle.size, waiting: this.#shared.waiting }
  }

  /**
   * Ends the connections to one database: the unused ones now, the others after use. Whoever comes later opens new ones.
   * Resolves when those that were unused are closed.
   */
  async evict(database: string): Promise<void> {
    await this.#lanes.get(database)?.evict()
  }

  /**
   * Refuses callers, those in line too, and closes connections like `evict`, but waits a second at most: with a server that
   * does not answer nothing is gained by waiting, and a process that ends closes its sockets anyway.
   */
  async close(): Promise<void> {
    this.#shared.isClosed = true
    clearInterval(this.#sweeper)
    const lanes = [...this.#lanes.values()]
    for (const lane of lanes) lane.refuseAll()
    const closing = Promise.all(lanes.map((lane) => lane.evict()))
    await withDeadline(closing, CLOSE_WITHIN_MS, 'closing connections').catch(() => undefined)
  }

  #laneTo(destination: Destination): Lane {
    const { database } = destination
    let lane = this.#lanes.get(database)
    if (lane) lane.destination = destination
    else {
      lane = new Lane(destination, this.#shared)
      this.#lanes.set(database, lane)
    }
    return lane
  }

  #look(): boolean {
    const now = performance.now()
    for (const lane of this.#lanes.values()) lane.patrol(now)
    this.#places.makeRoom(now)
    return this.#shared.waiting > 0 || this.#places.taken > this.#places.idle.size
  }

  #sweep(): void {
    const now = performance.now()
    for (const lane of this.#lanes.values()) lane.sweep(now)
  }
}
