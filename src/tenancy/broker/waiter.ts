import type pg from 'pg'
import { type Abandonment, currentAbandonment } from '../../platform/index.ts'
import { tenantFault } from '../errors.ts'
import type { Linked } from './chain.ts'

/** Somebody who wants a connection: for one statement, or to himself. */
export abstract class Waiter implements Linked<Waiter> {
  chain: Linked<Waiter>['chain'] = undefined
  before: Waiter | undefined = undefined
  after: Waiter | undefined = undefined
  /** When it came into line, on the clock of `performance.now()`. */
  waitingSince = 0
  /** Takes only a connection on which nothing runs. */
  needsUnused: boolean
  readonly #reject: (error: unknown) => void
  /** Asked now and then, because listening would cost every statement something. */
  readonly #abandonment: Abandonment | undefined

  constructor(needsUnused: boolean, reject: (error: unknown) => void) {
    this.needsUnused = needsUnused
    this.#reject = reject
    this.#abandonment = currentAbandonment()
  }

  get isAbandoned(): boolean {
    return this.#abandonment?.isAbandoned === true
  }

  /** Ends it with an error, translated for a tenant's caller. */
  fail(error: unknown): void {
    this.#reject(tenantFault(error))
  }
}

/** One statement of one caller. */
export class Statement extends Waiter {
  readonly config: pg.QueryConfig
  readonly values: unknown[] | undefined
  readonly succeed: (result: pg.QueryResult) => void
  /** It was run before and did nothing, for a reason that lay in its connection. */
  isRerun = false

  constructor(
    config: pg.QueryConfig,
    values: unknown[] | undefined,
    succeed: (result: pg.QueryResult) => void,
    reject: (error: unknown) => void,
  ) {
    super(false, reject)
    this.config = config
    this.values = values
    this.succeed = succeed
  }
}
