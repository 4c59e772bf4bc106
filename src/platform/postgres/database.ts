import { setTimeout as sleep } from 'node:timers/promises'
import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres'
import type pg from 'pg'
import type { Connection } from './connection.ts'
import { databaseFault, isStaleStatement } from './sqlstate.ts'

/** Where statements find a connection: a pool, or a lease from a broker. */
export interface ConnectionSource {
  /** Runs one statement on any connection; throws what the driver throws. */
  query(statement: pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult>
  /** Gives one connection to `work` alone. What comes back inside a transaction is closed, not reused. */
  exclusive<T>(work: (connection: Connection) => Promise<T>): Promise<T>
}

/** What a store function needs to run statements, in or out of a transaction. `Scope` keeps databases apart. */
export interface Executor<Scope extends string> {
  readonly scope: Scope
  readonly orm: NodePgDatabase
}

/** A running transaction. A store function that locks asks for this type, so it cannot be called outside one. */
export interface Transaction<Scope extends string> extends Executor<Scope> {
  readonly inTransaction: true
  /**
   * Runs the last statement of the transaction, and sends COMMIT without waiting for its answer. When the statement
   * fails, nothing is committed; whatever `work` finds wrong after it comes too late.
   */
  readonly last: Executor<Scope>
}

/** One database, as the code above the platform sees it. */
export interface Database<Scope extends string> extends Executor<Scope> {
  /**
   * Commits what `work` did, or nothing. A serialization failure, a deadlock or a plan that a migration made stale runs
   * `work` again (3 tries), so it must have no effect outside the database.
   */
  transaction<T>(work: (tx: Transaction<Scope>) => Promise<T>): Promise<T>
}

/** Rejects when the database does not answer. */
export async function ping(db: Executor<string>): Promise<void> {
  await db.orm.execute('SELECT 1')
}

const TRANSACTION_TRIES = 3

/** Makes a database of a connection source; `scope` becomes part of its type. */
export function createDatabase<Scope extends string>(
  scope: Scope,
  source: ConnectionSource,
): Database<Scope> {
  return {
    scope,
    orm: ormOver(source),
    transaction: (work) => retryOnConflict(() => source.exclusive((one) => runTransaction(scope, one, work))),
  }
}

async function runTransaction<Scope extends string, T>(
  scope: Scope,
  connection: Connection,
  work: (tx: Transaction<Scope>) => Promise<T>,
): Promise<T> {
  // On its way together with the first statement, which would otherwise wait for an answer that says nothing.
  const end = pipelined(connection)
  const begun = connection.query('BEGIN')
  begun.catch(() => undefined)
  const { last, commit } = commitWithLast(connection)
  try {
    const orm = ormOver(connection)
    const result = await work({ scope, orm, inTransaction: true, last: { scope, orm: ormOver(last) } })
    await begun
    const { command } = await commit()
    // PostgreSQL answers so, and reports no error, when `work` had swallowed the error of a statement.
    if (command !== 'COMMIT')
      throw new Error('the transaction was rolled back, because a statement in it had failed')
    return result
  } catch (error) {
    // A connection that cannot even roll back is still in its transaction, and its source closes it for that.
    await connection.query('ROLLBACK').catch(() => undefined)
    throw error
  } finally {
    end()
  }
}

/** Gives a client whose one statement takes COMMIT along, and the function that commits where nothing was sent so. */
function commitWithLast(connection: Connection): { last: Client; commit: () => Promise<pg.QueryResult> } {
  let committed: Promise<pg.QueryResult> | undefined
  const commit = () => {
    committed ??= connection.query('COMMIT')
    return committed
  }
  const query: Client['query'] = (statement, values) => {
    const answer = connection.query(statement, values)
    commit().catch(() => undefined)
    return answer
  }
  return { last: { query }, commit }
}

/** Lets a connection send statements before those in front are answered, until the function that it gives is called. */
function pipelined(connection: Connection): () => void {
  // The driver looks at it for each statement; its types leave it out.
  const driver: { pipeline?: boolean } = connection
  driver.pipeline = true
  return () => {
    driver.pipeline = false
  }
}

async function retryOnConflict<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      if (tries >= TRANSACTION_TRIES || !mayPass(error)) throw error
      await sleep(Math.random() * 50 * 2 ** tries)
    }
  }
}

/** Everything was rolled back, and the reason may be gone the next time; a stale plan goes with its connection. */
function mayPass(error: unknown): boolean {
  return databaseFault(error) === 'conflict' || isStaleStatement(error)
}

type Client = Pick<ConnectionSource, 'query'>

/** Drizzle asks of its client nothing but `query`, which every source has; its types name the driver's classes. */
function ormOver(client: Client | Connection): NodePgDatabase {
  return drizzle({ client: client as pg.Client })
}
