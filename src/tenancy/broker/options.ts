import type pg from 'pg'

/** One database of the server. */
export interface Destination {
  readonly database: string
  /**
   * Opens one authenticated connection; the broker alone calls it and closes what it gives. A failure must leave no
   * socket behind.
   */
  open(): Promise<pg.Client>
  /** Each connection serves one caller and is closed then, instead of being cleaned for the next. Default false. */
  readonly isForOne?: boolean
  /** Lives as long as there are connections or callers. */
  readonly keeps?: object
}

export interface BrokerOptions {
  /** Most connections in all; those that are being opened or closed count too. */
  readonly max: number
  /** Most connections to one database. */
  readonly maxPerTenant: number
  /** Milliseconds that a caller waits for a connection before it gets 503. */
  readonly maxWaitMs: number
  /** Most callers in line, in all; those beyond get 503 at once. */
  readonly maxWaiting?: number
  /** Milliseconds after which an unused connection is closed. */
  readonly idleMs: number
  /** Milliseconds after which a connection is closed once it is free. */
  readonly maxLifeMs?: number
  /** Most statements under way on one connection. */
  readonly pipelineDepth?: number
  /** Milliseconds that a busy tenant keeps a connection at least while another tenant waits for a place. */
  readonly turnMs?: number
  /** So many times as long as it took to open its connection may the tenant keep it, where that is longer. */
  readonly turnOpenings?: number
  /** Whether the server is known not to answer. Then one caller of a tenant tries it, and the others hear 503 at once. */
  readonly isAway?: () => boolean
  /** Asks the server to stop what this connection's backend runs; resolves when it was told. */
  readonly cancel?: (client: pg.Client) => Promise<void>
}

/** What metrics show of a broker. */
export interface BrokerStats {
  /** Places taken: connections that are being opened, open, or being closed. */
  readonly open: number
  /** Connections on which something runs, or which one caller has to himself. */
  readonly busy: number
  readonly idle: number
  /** Callers in line. */
  readonly waiting: number
}

/** The figures of several brokers together. */
export function sumOfStats(all: readonly BrokerStats[]): BrokerStats {
  const sum = { open: 0, busy: 0, idle: 0, waiting: 0 }
  for (const one of all) for (const key of ['open', 'busy', 'idle', 'waiting'] as const) sum[key] += one[key]
  return sum
}

/** A statement that runs longer than this, in milliseconds, gets no other behind it. */
export const SLOW_MS = 20

/** With so many statements under way on each of its connections, or in line for each that it opens, a tenant is busy. */
export const GROW_AT = 4
