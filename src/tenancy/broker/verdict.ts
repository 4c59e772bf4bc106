import type pg from 'pg'
import { isStaleStatement, leavesInDoubt, postgresError, SQLSTATE } from '../../platform/index.ts'
import { isAtomic } from './session-state.ts'

/** What the error of a statement means for it and for others. */
export interface Verdict {
  /** The server reported it; otherwise the driver did, and its idea of what is under way may be wrong now. */
  readonly isReported: boolean
  /** Nobody new may use the connection. */
  readonly isInDoubt: boolean
  /** The plans of this database's other connections are as old. */
  readonly arePlansStale: boolean
  /** Nothing of the statement was done, for a reason that lay in its connection. */
  readonly mayRunAgain: boolean
}

/**
 * Judges an error. What happens to whom, with what is no error of one statement besides:
 *
 * | event | the statement | those sent behind it | the connection |
 * |---|---|---|---|
 * | an error of its own, or the server's time-out | fails | run | stays |
 * | a cancel request for somebody who has gone hits it | runs again once, on another that nobody uses; fails if a part may be committed | run | retired when the request was made |
 * | its prepared statement or plan is stale | runs again once, on another that nobody uses | run, or the same happens to them | retired; for a plan all others of the database too |
 * | the server cannot go on (shutdown, disk full, read-only) | fails | run, while the server answers | retired |
 * | the driver cannot send it | fails | run | retired |
 * | the connection is lost | fails | fail | is gone |
 * | no answer within the time for it | fails | fail | cut, and the server told to stop |
 * | it leaves a transaction open, or a session that cannot be cleaned | has its answer | fail | cut, and the server told to stop |
 *
 * A retired connection takes nobody new, and closes when all that was sent on it is answered.
 *
 * @param wasCancelled a cancel request was made for the connection's backend
 */
export function judge(error: Error, statement: pg.QueryConfig, wasCancelled: boolean): Verdict {
  const reported = postgresError(error)
  const wasHit = wasCancelled && reported?.code === SQLSTATE.queryCanceled
  return {
    isReported: reported !== undefined,
    isInDoubt: !reported || leavesInDoubt(error),
    arePlansStale: isPlanStale(error),
    mayRunAgain: isStaleStatement(error) || (wasHit && isAtomic(statement)),
  }
}

/** Whether a migration changed what a statement gives: plans elsewhere are as old. One that is missing tells nothing of others. */
export function isPlanStale(error: unknown): boolean {
  return isStaleStatement(error) && postgresError(error)?.code === SQLSTATE.featureNotSupported
}
