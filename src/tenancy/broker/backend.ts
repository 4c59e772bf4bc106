import type pg from 'pg'
import { httpErrors } from '../../http/index.ts'
import {
  closeConnection,
  isStaleStatement,
  leavesInDoubt,
  postgresError,
  SQLSTATE,
} from '../../platform/index.ts'
import type { Linked } from './chain.ts'
import { type Destination, SLOW_MS } from './options.ts'
import { Cleaning, hasLeftTraces, isAtomic, mayLeaveTraces } from './session-state.ts'
import { type Statement, Waiter } from './waiter.ts'

/** A caller who wants a connection for himself. */
export class LeaseRequest extends Waiter {
  readonly admit: (backend: Backend) => void

  constructor(admit: (backend: Backend) => void, reject: (error: unknown) => void) {
    super(true, reject)
    this.admit = admit
  }
}

/** Whose backend it is; hears what happens to it. */
export interface BackendOwner {
  readonly destination: Pick<Destination, 'isForOne'>
  /** Connections that serve its callers, or will. */
  readonly usable: number
  /** A statement or lease came to its end. */
  progressed(backend: Backend, now: number): void
  /** It takes nobody any more, and closes when nothing runs on it. */
  retired(backend: Backend): void
  /** The server let go of it. */
  gone(backend: Backend): void
  /** A migration made the plans of all connections so far stale. */
  outdated(): void
  /** The statement did nothing and works on another connection. */
  runAgain(statement: Statement): void
}

/** What the driver can do and its types leave out. */
interface Driver {
  /** Looked at for each statement: whether to send it before the one before it is answered. */
  pipeline: boolean
  /** Whether all that was sent is answered. */
  readonly readyForQuery: boolean
  /** When it gives up on an answer, counted from when it was given the statement. */
  readonly connectionParameters: { query_timeout: number | false }
  query(
    config: pg.QueryConfig,
    values: unknown[] | undefined,
    callback: (error: Error | null, result: pg.QueryResult) => void,
  ): void
}

/** While somebody who has gone still runs something, the server is asked again after so many milliseconds. */
const REPEAT_CANCEL_MS = 1_000

/** One connection, the server's process behind it, and what runs there. Times are on the clock of `performance.now()`. */
export class Backend implements Linked<Backend> {
  chain: Linked<Backend>['chain'] = undefined
  before: Backend | undefined = undefined
  after: Backend | undefined = undefined
  readonly client: pg.Client
  readonly owner: BackendOwner
  readonly bornAt = performance.now()
  /** Since when nothing runs on it. */
  idleSince = this.bornAt
  /** Its place is counted as one that becomes free soon. */
  isComing = false
  readonly #driver: Driver
  readonly #cancel: (client: pg.Client) => Promise<void>
  /** In the order in which they were sent, which is that of the answers. */
  readonly #inFlight: Statement[] = []
  #lease: LeaseRequest | undefined
  /** Since when the first in flight, or the lease, runs. */
  #runningSince = 0
  #cancelledAt: number | undefined
  /** How long an answer may take from when its statement is the first in flight. */
  readonly #answerMs: number
  /** Somebody gave up on an answer: the server may not have noticed. */
  #mayStillRun = false
  /** A shared statement failed, and what it left of a transaction is not known yet. */
  #hasFailed = false
  #isGathering = false
  #isRetired = false
  #closing: Promise<void> | undefined

  constructor(client: pg.Client, owner: BackendOwner, cancel: (client: pg.Client) => Promise<void>) {
    this.client = client
    this.owner = owner
    this.#cancel = async (client) => await cancel(client)
    this.#driver = client as unknown as Driver
    this.#answerMs = Number(this.#driver.connectionParameters.query_timeout) || Number.POSITIVE_INFINITY
    this.#share(true)
    client.on('error', () => this.retire())
    client.on('end', () => this.#lost())
    // An error is reported before what it left of a transaction is.
    client.connection.on('readyForQuery', ({ status }: { status: string }) => {
      const isShared = !this.#lease || this.#hasFailed
      this.#hasFailed = false
      if (status === 'I' || !isShared) return
      this.#cutOff()
      // A lease that began before this was known must not begin inside of a transaction.
      if (this.#lease) client.connection.stream.destroy()
    })
  }

  /** How many use it. */
  get load(): number {
    return this.#lease ? 1 : this.#inFlight.length
  }

  get isLeased(): boolean {
    return this.#lease !== undefined
  }

  get isRetired(): boolean {
    return this.#isRetired
  }

  /** Whether what runs now takes so long that nobody should stand behind it. */
  isSlow(now: number): boolean {
    return this.load > 0 && now - this.#runningSince > SLOW_MS
  }

  /** Whether only the clean-up after somebody who is done is under way. */
  get isCleaning(): boolean {
    return this.#inFlight.length === 1 && this.#inFlight[0] instanceof Cleaning
  }

  /** Sends a statement, behind those that are under way. */
  send(statement: Statement, now: number): void {
    this.#transmit(statement, now)
    if (mayLeaveTraces(statement.config)) this.#clean(now)
  }

  #transmit(statement: Statement, now: number): void {
    if (this.#inFlight.length === 0) this.#runningSince = now
    this.#inFlight.push(statement)
    this.#gather()
    // With a callback, because the driver's promises cost two more and a stack trace for each error.
    try {
      this.#driver.query(statement.config, statement.values, (error, result) =>
        this.#finished(statement, error, result),
      )
    } catch (error) {
      this.#finished(statement, error as Error, undefined as never)
    }
  }

  /** What is sent in one turn of the event loop goes out together: for small statements the system call is what costs. */
  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    const { stream } = this.client.connection
    stream.cork()
    setImmediate(() => {
      this.#isGathering = false
      stream.uncork()
    })
  }

  /** Gives it to one caller, until `takeBack`. */
  lend(request: LeaseRequest, now: number): void {
    this.#lease = request
    this.#runningSince = now
    // Without pipelining a statement after a failed one is not sent before the failure is known, and cursors work.
    this.#share(false)
    request.admit(this)
  }

  /** Shared by pipelining, or one caller's; the driver's time-out would count the time that others take. */
  #share(isShared: boolean): void {
    this.#driver.pipeline = isShared
    const isTimed = !isShared && Number.isFinite(this.#answerMs)
    this.#driver.connectionParameters.query_timeout = isTimed ? this.#answerMs : false
  }

  /** Cuts it when the answer that all wait for does not come. */
  giveUp(now: number): void {
    if (this.#lease || this.#inFlight.length === 0 || now - this.#runningSince < this.#answerMs) return
    this.#cutOff(new Error('Query read timeout'))
    this.#ended(now)
  }

  /**
   * Ends a lease.
   *
   * @param error what the caller's work threw, if it did
   */
  takeBack(error: unknown): void {
    const now = performance.now()
    this.#lease = undefined
    // Its holder may have left something running, or an error whose transaction's state is not known yet.
    const isInDoubt = leavesInDoubt(error) || !this.#driver.readyForQuery
    if (isPlanStale(error)) this.owner.outdated()
    if (isInDoubt) this.#mayStillRun = true
    if (isInDoubt || this.client.getTransactionStatus() !== 'I' || this.owner.destination.isForOne)
      this.retire()
    else if (!this.#isRetired) {
      this.#share(true)
      this.#clean(now)
    }
    this.#ended(now)
  }

  /** Lets nobody on it any more; it is closed when nothing runs on it. */
  retire(): void {
    if (this.#isRetired) return
    this.#isRetired = true
    this.owner.retired(this)
    this.#closeWhenDrained()
  }

  /** Closes it; resolves when the server has let go of it. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** Stops what runs here for somebody who has gone. Short statements are over sooner than they are stopped. */
  stopAbandoned(now: number): void {
    const running = this.#lease ?? this.#inFlight[0]
    if (!running?.isAbandoned || !this.isSlow(now)) return
    // Between transactions it would hit the BEGIN that is on its way, and what follows would be committed bit by bit.
    if (this.#lease && this.client.getTransactionStatus() === 'I') return
    if (this.#cancelledAt !== undefined) {
      const isSame = this.#cancelledAt >= this.#runningSince
      if (isSame && now - this.#cancelledAt < REPEAT_CANCEL_MS) return
    }
    this.#cancelledAt = now
    this.retire()
    // The request may be late and hit the next statement, which is why nobody new is let on it.
    this.#cancel(this.client).catch(() => undefined)
  }

  #finished(statement: Statement, error: Error | null, result: pg.QueryResult): void {
    const index = this.#inFlight.indexOf(statement)
    // The driver reports a value that it cannot send twice: at once, and when the server has skipped it.
    if (index < 0) return
    if (index === 0) this.#inFlight.shift()
    else this.#inFlight.splice(index, 1)
    const now = performance.now()
    this.#runningSince = now
    if (error) this.#failed(statement, error)
    else {
      if (this.client.getTransactionStatus() !== 'I') this.#cutOff()
      else if (!(statement instanceof Cleaning) && hasLeftTraces(result) && !mayLeaveTraces(statement.config))
        this.#clean(now)
      statement.succeed(result)
    }
    this.#ended(now)
  }

  #failed(statement: Statement, error: Error): void {
    // What the server did not report came from the driver, and its idea of what is under way may be wrong now.
    const reported = postgresError(error)
    this.#hasFailed = reported !== undefined
    // A retired one's owner knows already.
    if (!this.#isRetired && isPlanStale(error)) this.owner.outdated()
    if (!reported || leavesInDoubt(error)) {
      this.#mayStillRun = true
      this.retire()
    }
    const isInnocent =
      isStaleStatement(error) ||
      (reported?.code === SQLSTATE.queryCanceled &&
        this.#cancelledAt !== undefined &&
        isAtomic(statement.config))
    if (!isInnocent || statement.isRerun || statement.isAbandoned) {
      statement.fail(error)
      return
    }
    statement.isRerun = true
    // A statement is stale also when another's failed attempt to prepare it was under way; alone it gets its own answer.
    statement.alone = true
    this.owner.runAgain(statement)
  }

  /** Nobody waits for it: who is sent behind it finds the session clean. */
  #clean(now: number): void {
    this.#transmit(new Cleaning(() => this.#cutOff()), now)
  }

  /**
   * The session is not what the next one may find, or it is in a transaction: what stands behind must fail, or it would be
   * rolled back in silence.
   */
  #cutOff(error: Error = httpErrors.databaseUnavailable()): void {
    this.retire()
    if (this.#inFlight.length === 0) return
    this.#mayStillRun = true
    this.client.connection.stream.destroy()
    // Their answers may have arrived already, together with this one's.
    for (const statement of this.#inFlight.splice(0)) statement.fail(error)
  }

  #ended(now: number): void {
    if (this.load === 0) this.idleSince = now
    this.owner.progressed(this, now)
    this.#closeWhenDrained()
  }

  #closeWhenDrained(): void {
    if (this.#isRetired && this.load === 0) void this.close()
  }

  #lost(): void {
    this.retire()
    void this.close()
  }

  async #close(): Promise<void> {
    const { stream } = this.client.connection
    await closeConnection(this.client)
    // When it was cut from this side, a busy backend stays until it has something to send: it is told to stop.
    if (this.#mayStillRun && !stream.readableEnded) await this.#cancel(this.client).catch(() => undefined)
    this.owner.gone(this)
  }
}

/** A migration changed what a statement gives: plans on other connections are as old. A statement that is missing is not. */
function isPlanStale(error: unknown): boolean {
  return isStaleStatement(error) && postgresError(error)?.code === SQLSTATE.featureNotSupported
}
