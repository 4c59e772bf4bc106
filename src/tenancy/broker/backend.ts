import type pg from 'pg'
import { httpErrors } from '../../http/index.ts'
import { leavesInDoubt } from '../../platform/index.ts'
import type { Linked } from './chain.ts'
import type { Lease, LeaseRequest } from './lease.ts'
import type { Destination } from './options.ts'
import { ServerProcess } from './server-process.ts'
import { Cleaning, hasLeftTraces, mayLeaveTraces } from './session-state.ts'
import { Usage } from './usage.ts'
import { isPlanStale, judge } from './verdict.ts'
import type { Statement } from './waiter.ts'
import { Wire } from './wire.ts'

interface BackendOptions {
  /** Milliseconds that opening it took. */
  readonly openingMs: number
  /** Asks the server to stop what runs on it. */
  readonly cancel: (client: pg.Client) => Promise<void>
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

/** One connection and what runs there. Times are on the clock of `performance.now()`. */
export class Backend implements Linked<Backend>, Lease {
  chain: Linked<Backend>['chain'] = undefined
  before: Backend | undefined = undefined
  after: Backend | undefined = undefined
  readonly client: pg.Client
  readonly owner: BackendOwner
  readonly bornAt = performance.now()
  /** Milliseconds that opening it took. */
  readonly openingMs: number
  /** Since when nothing runs on it. */
  idleSince = this.bornAt
  /** Its place is counted as one that becomes free soon. */
  isComing = false
  readonly #wire: Wire
  readonly #usage = new Usage()
  readonly #process: ServerProcess
  /** A shared statement failed, and what it left of a transaction is not known yet. */
  #hasFailed = false
  #isRetired = false
  #closing: Promise<void> | undefined

  constructor(client: pg.Client, owner: BackendOwner, { openingMs, cancel }: BackendOptions) {
    this.client = client
    this.owner = owner
    this.openingMs = openingMs
    this.#wire = new Wire(client)
    this.#process = new ServerProcess(client, cancel)
    client.on('error', () => this.retire())
    client.on('end', () => this.#lost())
    client.connection.on('readyForQuery', ({ status }: { status: string }) => this.#ready(status === 'I'))
  }

  /** How many use it. */
  get load(): number {
    return this.#usage.load
  }

  /** Whether one caller has it to himself. */
  get isLent(): boolean {
    return this.#usage.isLent
  }

  get isRetired(): boolean {
    return this.#isRetired
  }

  /** Whether what runs now takes so long that nobody should stand behind it. */
  isSlow(now: number): boolean {
    return this.#usage.isSlow(now)
  }

  /** Whether only the clean-up after somebody who is done is under way. */
  get isCleaning(): boolean {
    return this.#usage.isCleaning
  }

  /** Sends a statement, behind those that are under way. */
  send(statement: Statement, now: number): void {
    this.#transmit(statement, now)
    if (mayLeaveTraces(statement.config)) this.#clean(now)
  }

  /** Gives it to one caller, until `takeBack`. */
  lend(request: LeaseRequest, now: number): void {
    this.#usage.lend(request, now)
    this.#wire.dedicate()
    request.admit(this)
  }

  takeBack(error: unknown): void {
    const now = performance.now()
    this.#usage.takeBack()
    // Its holder may have left something running, or an error whose transaction's state is not known yet.
    const isInDoubt = leavesInDoubt(error) || !this.#wire.isQuiet
    if (isPlanStale(error)) this.owner.outdated()
    if (isInDoubt) this.#process.doubt()
    if (isInDoubt || this.#wire.isInTransaction || this.owner.destination.isForOne) this.retire()
    else if (!this.#isRetired) {
      this.#wire.share()
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

  /** Cuts it when the answer that all wait for does not come. */
  giveUp(now: number): void {
    const { isLent, inFlight, since } = this.#usage
    if (isLent || inFlight === 0 || now - since < this.#wire.answerMs) return
    this.#cutOff(new Error('Query read timeout'))
    this.#ended(now)
  }

  /** Stops what runs here for somebody who has gone. Short statements are over sooner than they are stopped. */
  stopAbandoned(now: number): void {
    const { running, since, isLent } = this.#usage
    if (!running?.isAbandoned || !this.isSlow(now)) return
    // Between transactions it would hit the BEGIN that is on its way, and what follows would be committed bit by bit.
    if (isLent && !this.#wire.isInTransaction) return
    if (!this.#process.mayCancel(since, now)) return
    // The request may be late and hit the next statement, which is why nobody new is let on it.
    this.retire()
    this.#process.cancel(now)
  }

  #transmit(statement: Statement, now: number): void {
    this.#usage.add(statement, now)
    this.#wire.send(statement.config, statement.values, (error, result) =>
      this.#finished(statement, error, result),
    )
  }

  /** Nobody waits for it: who is sent behind it finds the session clean. */
  #clean(now: number): void {
    this.#transmit(new Cleaning(() => this.#cutOff()), now)
  }

  #finished(statement: Statement, error: Error | null, result: pg.QueryResult): void {
    const now = performance.now()
    // The driver reports a value that it cannot send twice: at once, and when the server has skipped it.
    if (!this.#usage.remove(statement, now)) return
    if (error) this.#failed(statement, error)
    else {
      if (this.#wire.isInTransaction) this.#cutOff()
      else if (!(statement instanceof Cleaning) && hasLeftTraces(result) && !mayLeaveTraces(statement.config))
        this.#clean(now)
      statement.succeed(result)
    }
    this.#ended(now)
  }

  #failed(statement: Statement, error: Error): void {
    const verdict = judge(error, statement.config, this.#process.wasCancelled)
    this.#hasFailed = verdict.isReported
    // A retired one's owner knows already.
    if (!this.#isRetired && verdict.arePlansStale) this.owner.outdated()
    if (verdict.isInDoubt) {
      this.#process.doubt()
      this.retire()
    }
    if (!verdict.mayRunAgain || statement.isRerun || statement.isAbandoned) {
      statement.fail(error)
      return
    }
    statement.isRerun = true
    // A statement is stale also when another's failed attempt to prepare it was under way; in front it gets its own answer.
    statement.needsUnused = true
    this.owner.runAgain(statement)
  }

  /** An error is reported before what it left of a transaction is. */
  #ready(isOutsideTransaction: boolean): void {
    const isShared = !this.isLent || this.#hasFailed
    this.#hasFailed = false
    if (isOutsideTransaction || !isShared) return
    this.#cutOff()
    // A lease that began before this was known must not begin inside of a transaction.
    if (this.isLent) this.#wire.cut()
  }

  /**
   * The session is not what the next one may find, or it is in a transaction: what stands behind must fail, or it would be
   * rolled back in silence.
   */
  #cutOff(error: Error = httpErrors.databaseUnavailable()): void {
    this.retire()
    if (this.#usage.inFlight === 0) return
    this.#process.doubt()
    this.#wire.cut()
    // Their answers may have arrived already, together with this one's.
    for (const statement of this.#usage.removeAll()) statement.fail(error)
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
    await this.#process.letGo()
    this.owner.gone(this)
  }
}
