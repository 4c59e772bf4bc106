import pg from 'pg'
import type { Connection } from '../platform/index.ts'

/** The hook that pg-cursor and pg-query-stream implement too; @types/pg does not name it. */
interface QueryHooks extends pg.Submittable {
  handleCommandComplete(message: unknown, connection: unknown): void
}

type QueryCallback = (error: Error | null | undefined, results: pg.QueryResult | pg.QueryResult[]) => void

// The types leave the hook out; the class has it.
const HookedQuery = pg.Query as unknown as new (text: string, callback: QueryCallback) => QueryHooks

/** Counts statements as they end: an error without a position says nothing on which of many has failed. */
class CountingQuery extends HookedQuery {
  completed = 0

  override handleCommandComplete(message: unknown, connection: unknown): void {
    this.completed++
    super.handleCommandComplete(message, connection)
  }
}

/** A batch broke off; `cause` is what the driver threw. */
export class BatchError extends Error {
  override readonly name = 'BatchError'
  /** Statements that had ended before the failing one. */
  readonly completed: number

  constructor(cause: Error, completed: number) {
    super(cause.message, { cause })
    this.completed = completed
  }
}

/**
 * Sends several statements in one round trip (simple query protocol).
 *
 * @returns one result a statement
 * @throws BatchError
 */
export function runBatch(connection: Connection, sql: string): Promise<pg.QueryResult[]> {
  return new Promise((resolve, reject) => {
    const query = new CountingQuery(sql, (error, results) => {
      if (error) reject(new BatchError(error, query.completed))
      else resolve([results].flat())
    })
    connection.query(query)
  })
}
