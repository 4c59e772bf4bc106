import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import type { Connection } from '../platform/index.ts'
import { BatchError, runBatch } from './batch.ts'
import { type LockHolder, MigrationLockedError } from './errors.ts'
import { type LedgerEntry, LOCK_AND_READ_LEDGER, LOCK_HOLDER, UNLOCK } from './ledger.ts'
import type { Log } from './options.ts'

/** Mean time between two tries for the lock. */
const POLL_MS = 100

/** The migration lock of one database, held by this session, and what the ledger said behind it. */
export interface HeldLock {
  readonly entries: readonly LedgerEntry[]
  /** Set by a batch that ends with `UNLOCK`, which saves the round trip for it. */
  released: boolean
}

/**
 * Runs `work` as the only one that migrates this database. The lock is released in every case; when the
 * connection is lost, by the server.
 *
 * @param lockTimeoutMs longest wait for the lock; 0 tries once
 * @throws MigrationLockedError when somebody else still holds it then
 */
export async function withMigrationLock<T>(
  connection: Connection,
  { lockTimeoutMs, log }: { lockTimeoutMs: number; log: Log },
  work: (lock: HeldLock) => Promise<T>,
): Promise<T> {
  if (connection.getTransactionStatus() !== 'I') {
    throw new Error('migrations need a connection that is outside of a transaction')
  }
  const lock = await acquire(connection, lockTimeoutMs, log)
  try {
    return await work(lock)
  } finally {
    // Failing here means that the connection is gone and the lock with it; what `work` threw is the news.
    if (!lock.released) await connection.query(UNLOCK).catch(() => undefined)
  }
}

async function acquire(connection: Connection, lockTimeoutMs: number, log: Log): Promise<HeldLock> {
  const start = performance.now()
  for (let tries = 1; ; tries++) {
    const entries = await tryLock(connection)
    if (entries) return { entries, released: false }
    const waited = performance.now() - start
    if (waited >= lockTimeoutMs) throw new MigrationLockedError(waited, await lockHolder(connection))
    if (tries === 1)
      log({ kind: 'waiting', message: 'another migration runs in this database; waiting for it' })
    await sleep(Math.min(lockTimeoutMs - waited, POLL_MS * (0.5 + Math.random())))
  }
}

async function tryLock(connection: Connection): Promise<LedgerEntry[] | undefined> {
  try {
    const [, , lock, ledger] = await runBatch(connection, LOCK_AND_READ_LEDGER)
    return lock?.rows[0]?.locked === true ? ledger?.rows : undefined
  } catch (error) {
    // The lock outlives the transaction, so it may be ours although the batch broke off behind it.
    await connection.query(`ROLLBACK; ${UNLOCK}`).catch(() => undefined)
    throw error instanceof BatchError ? error.cause : error
  }
}

async function lockHolder(connection: Connection): Promise<LockHolder | undefined> {
  const { rows }: pg.QueryResult<LockHolder> = await connection.query(LOCK_HOLDER)
  return rows[0]
}
