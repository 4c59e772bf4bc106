import type pg from 'pg'
import { httpErrors } from '../../http/index.ts'
import {
  type Connection,
  type ConnectionSource,
  closeConnection,
  ignoreLostConnection,
  leavesInDoubt,
  onceMoreWhenStale,
} from '../../platform/index.ts'
import { tenantFault } from '../errors.ts'
import { ConnectionBudget } from './connection-budget.ts'

export interface BrokerOptions {
  /** Most connections that this process opens to tenant databases in all. */
  readonly max: number
  /** Most connections to one tenant's database. */
  readonly maxPerTenant: number
  /** Milliseconds that a caller waits for a connection before it gets 503. */
  readonly maxWaitMs: number
  /** Milliseconds after which an unused connection is closed. */
  readonly idleMs: number
}

/** Where connections of one line of callers lead. */
export interface Destination {
  /** Names the line; what has the same name shares connections. */
  readonly database: string
  /** Opens one connection; throws what connecting throws. */
  open(): Promise<pg.Client>
}

interface Held {
  readonly client: pg.Client
  readonly database: string
  /** Lost, or in a state that nobody knows: to be closed, not reused. */
  inDoubt: boolean
  idleSince: number
}

interface Waiter {
  readonly database: Destination
  readonly admit: (held: Promise<Held>) => void
  readonly timer: NodeJS.Timeout
}

const SWEEP_INTERVAL_MS = 5_000

/**
 * Lends connections to tenant databases under one hard limit. A connection belongs to one database for life, so an idle
 * one is closed when another tenant needs its place, the longest unused first; a lent one is never closed. Callers wait
 * in one line, first come first served, past those whose tenant already has all that it may have.
 */
export class ConnectionBroker {
  readonly #options: BrokerOptions
  readonly #budget: ConnectionBudget
  /** Unused connections, the longest unused first. */
  readonly #idle = new Set<Held>()
  readonly #waiting: Waiter[] = []
  readonly #sweeper: NodeJS.Timeout
  #closed = false

  constructor(options: BrokerOptions) {
    this.#options = options
    this.#budget = new ConnectionBudget(options.max, options.maxPerTenant)
    this.#sweeper = setInterval(() => this.#closeUnused(), SWEEP_INTERVAL_MS).unref()
  }

  /** Connections open now. */
  get openConnections(): number {
    return this.#budget.total
  }

  /** A source of connections to one database; errors of that database come out as tenancy errors. */
  sourceFor(destination: Destination): ConnectionSource {
    return {
      query: (statement, values) =>
        onceMoreWhenStale(() => this.#lend(destination, (connection) => connection.query(statement, values))),
      exclusive: (work) => this.#lend(destination, work),
    }
  }

  /** Refuses new callers and closes what is not lent; lent connections are closed when they come back. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweeper)
    for (const waiter of this.#waiting.splice(0)) {
      clearTimeout(waiter.timer)
      waiter.admit(Promise.reject(httpErrors.overloaded()))
    }
    await Promise.all([...this.#idle].map((held) => this.#discard(held)))
  }

  async #lend<T>(database: Destination, work: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      const held = await this.#acquire(database)
      try {
        return await work(held.client)
      } catch (error) {
        if (leavesInDoubt(error)) held.inDoubt = true
        throw error
      } finally {
        this.#takeBack(held)
      }
    } catch (error) {
      throw tenantFault(error)
    }
  }

  #acquire(database: Destination): Promise<Held> {
    if (this.#closed) return Promise.reject(httpErrors.overloaded())
    return this.#takeIdle(database) ?? this.#tryOpen(database) ?? this.#wait(database)
  }

  #takeIdle({ database }: Destination): Promise<Held> | undefined {
    // The one used last, so that under light load the others become old enough to be closed.
    let held: Held | undefined
    for (const idle of this.#idle) if (idle.database === database) held = idle
    if (!held) return undefined
    this.#idle.delete(held)
    return Promise.resolve(held)
  }

  /** Opens a connection when both limits allow it, closing another tenant's unused one where only that makes room. */
  #tryOpen(destination: Destination): Promise<Held> | undefined {
    const { database } = destination
    if (!this.#budget.allowsMoreOf(database)) return undefined
    if (!this.#budget.isFull) {
      this.#budget.take(database)
      return this.#connect(destination)
    }
    const [victim] = this.#idle
    if (!victim) return undefined
    this.#idle.delete(victim)
    this.#budget.free(victim.database)
    this.#budget.take(database)
    // Opened only when the other is gone from the server, which would otherwise see one more than the limit.
    return closeConnection(victim.client).then(() => this.#connect(destination))
  }

  async #connect(destination: Destination): Promise<Held> {
    const { database } = destination
    try {
      const client = await destination.open()
      const held: Held = { client, database, inDoubt: false, idleSince: 0 }
      client.on('error', ignoreLostConnection)
      client.on('end', () => this.#forget(held))
      return held
    } catch (error) {
      this.#budget.free(database)
      this.#serveWaiting()
      throw error
    }
  }

  #wait(database: Destination): Promise<Held> {
    return new Promise((admit, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        reject(httpErrors.overloaded())
      }, this.#options.maxWaitMs)
      const waiter: Waiter = { database, admit, timer }
      this.#waiting.push(waiter)
    })
  }

  #takeBack(held: Held): void {
    if (this.#closed || held.inDoubt || held.client.getTransactionStatus() !== 'I') {
      void this.#discard(held)
      return
    }
    // While there is room in all, only this database's own limit can make anybody wait for what came back.
    if (!this.#budget.isFull) {
      const next = this.#waiting.findIndex(({ database }) => database.database === held.database)
      if (next >= 0) {
        this.#admit(next, Promise.resolve(held))
        return
      }
    }
    held.idleSince = Date.now()
    this.#idle.add(held)
    if (this.#waiting.length > 0) this.#serveWaiting()
  }

  /** Gives what became free to the first in line who can use it. */
  #serveWaiting(): void {
    for (const waiter of [...this.#waiting]) {
      if (this.#budget.isFull && this.#idle.size === 0) return
      const held = this.#takeIdle(waiter.database) ?? this.#tryOpen(waiter.database)
      if (held) this.#admit(this.#waiting.indexOf(waiter), held)
    }
  }

  #admit(index: number, held: Promise<Held>): void {
    const [waiter] = this.#waiting.splice(index, 1)
    if (!waiter) return
    clearTimeout(waiter.timer)
    waiter.admit(held)
  }

  /** Closes the unused connections of one line. */
  async evict(database: string): Promise<void> {
    await Promise.all(
      [...this.#idle].filter((held) => held.database === database).map((held) => this.#discard(held)),
    )
  }

  async #discard(held: Held): Promise<void> {
    this.#idle.delete(held)
    await closeConnection(held.client)
    this.#budget.free(held.database)
    this.#serveWaiting()
  }

  /** An unused connection that the server closed gives its place back; a lent one is found out when it returns. */
  #forget(held: Held): void {
    held.inDoubt = true
    if (!this.#idle.delete(held)) return
    this.#budget.free(held.database)
    this.#serveWaiting()
  }

  #closeUnused(): void {
    const limit = Date.now() - this.#options.idleMs
    for (const held of this.#idle) if (held.idleSince < limit) void this.#discard(held)
  }
}
