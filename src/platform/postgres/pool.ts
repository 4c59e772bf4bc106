import pg from 'pg'
import { withDeadline } from '../closers.ts'
import { type ConnectionOptions, clientConfig, ignoreLostConnection } from './connection.ts'
import type { ConnectionSource } from './database.ts'
import { databaseFault, isStaleStatement } from './sqlstate.ts'

export interface Pool extends ConnectionSource {
  /**
   * Closes what is free, and what works when it has worked; waits for that half a second at most. A statement of maintenance whose
   * server fell silent would keep a process that ends for its ten minutes.
   */
  close(): Promise<void>
}

const CLOSE_WITHIN_MS = 500

/**
 * A pool of at most `max` connections to one database. It survives killed backends and a restarted server: what is
 * lost is replaced by the next caller.
 */
export function createPool(options: ConnectionOptions & { readonly max: number }): Pool {
  const pool = new pg.Pool({
    ...clientConfig(options),
    max: options.max,
    idleTimeoutMillis: 30_000,
    maxLifetimeSeconds: 1_800,
  })
  pool.on('error', ignoreLostConnection)
  // The pool listens to idle connections only; a backend killed under a checked-out one would end the process.
  pool.on('connect', (connection) => connection.on('error', ignoreLostConnection))

  const exclusive: Pool['exclusive'] = async (work) => {
    const connection = await pool.connect()
    let inDoubt = false
    try {
      return await work(connection)
    } catch (error) {
      inDoubt = leavesInDoubt(error)
      throw error
    } finally {
      connection.release(inDoubt || connection.getTransactionStatus() !== 'I')
    }
  }
  return {
    // Not the pool's own query(), which closes its connection after every error, a duplicate key included.
    query: (statement, values) =>
      onceMoreWhenStale(() => exclusive((connection) => connection.query(statement, values))),
    exclusive,
    close: () => withDeadline(pool.end(), CLOSE_WITHIN_MS, 'closing connections').catch(() => undefined),
  }
}

/**
 * Whether a connection must not be used again after an error. After a time-out of the driver's own the answer may still be
 * on its way to the next statement; a stale statement stays stale.
 */
export function leavesInDoubt(error: unknown): boolean {
  return databaseFault(error) === 'unavailable' || isStaleStatement(error)
}

/** Runs a single statement once more, on another connection, when it went stale on the first. */
export async function onceMoreWhenStale<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    if (!isStaleStatement(error)) throw error
    return await run()
  }
}
