import type pg from 'pg'
import { httpErrors } from '../../http/index.ts'
import type { Connection } from '../../platform/index.ts'
import { Backend, type BackendOwner } from './backend.ts'
import type { Linked } from './chain.ts'
import { Connections } from './connections.ts'
import { Connector, type ConnectorOwner } from './connector.ts'
import { type Lease, LeaseRequest, useLease } from './lease.ts'
import { Line } from './line.ts'
import { type Destination, GROW_AT } from './options.ts'
import type { Contender } from './places.ts'
import type { Shared } from './shared.ts'
import { Statement, type Waiter } from './waiter.ts'

/** Brings the callers of one database and its connections together, and asks for places for more of them. */
export class Lane implements Contender, BackendOwner, ConnectorOwner {
  chain: Linked<Contender>['chain'] = undefined
  before: Contender | undefined = undefined
  after: Contender | undefined = undefined
  destination: Destination
  /** The broker has forgotten it: callers need a new one. */
  isForgotten = false
  readonly #shared: Shared
  readonly #line: Line
  readonly #connections = new Connections()
  readonly #connector = new Connector(this)

  constructor(destination: Destination, shared: Shared) {
    this.destination = destination
    this.#shared = shared
    this.#line = new Line(shared)
  }

  get usable(): number {
    return this.#connections.serving + this.#connector.opening
  }

  get wants(): boolean {
    if (this.#line.size === 0 || !this.#mayOpen(performance.now())) return false
    return this.#connector.opening < this.#line.connectionsNeeded
  }

  /** Connections that somebody uses. */
  get busy(): number {
    return this.#connections.busy
  }

  /** Runs one statement. Throws what the driver throws, in a tenant's terms. */
  query(config: pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult> {
    return new Promise((resolve, reject) => this.#submit(new Statement(config, values, resolve, reject)))
  }

  /** Lends one connection to `work`. Throws what `work` throws, in a tenant's terms. */
  async exclusive<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const lease = await new Promise<Lease>((resolve, reject) =>
      this.#submit(new LeaseRequest(resolve, reject)),
    )
    return await useLease(lease, work)
  }

  open(): void {
    this.#shared.wake()
    this.#connector.open(this.destination)
  }

  async connected(client: pg.Client, openingMs: number, isOutdated: boolean): Promise<void> {
    const { isClosed, options } = this.#shared
    const backend = new Backend(client, this, { openingMs, cancel: options.cancel })
    this.#connections.add(backend)
    if (isClosed || isOutdated) {
      backend.retire()
      await backend.close()
    } else this.#use(backend, backend.bornAt)
  }

  notConnected(error: unknown, isOutdated: boolean): void {
    // Unless another connection serves them, what failed for one will fail for the next too. Those who came after an
    // eviction were not asked for with what failed.
    if (this.usable === 0 && !isOutdated) this.#line.failAll(error)
    this.#shared.places.free()
    this.#shared.places.consider(this)
    this.forgetIfUnused()
  }

  progressed(backend: Backend, now: number): void {
    const { places } = this.#shared
    if (!backend.isRetired && places.mustGiveUp(backend, now)) backend.retire()
    this.#use(backend, now)
  }

  retired(backend: Backend): void {
    const { places } = this.#shared
    this.#connections.retire(backend)
    places.idle.remove(backend)
    // How long its holder needs nobody knows.
    if (!backend.isLent) places.expect(backend, true)
    places.consider(this)
  }

  gone(backend: Backend): void {
    const { places } = this.#shared
    this.#connections.remove(backend)
    places.expect(backend, false)
    places.free()
    places.consider(this)
    this.forgetIfUnused()
  }

  outdated(): void {
    this.#connector.outdate()
    this.#connections.retireAll()
  }

  runAgain(statement: Statement): void {
    this.#line.enterFirst(statement)
    this.#serve(performance.now())
  }

  /** Looks at what takes long: callers in line, statements whose caller has gone. */
  patrol(now: number): void {
    for (const backend of this.#connections.patrol(now)) this.#shared.places.expect(backend, false)
    if (this.#line.size === 0) return
    this.#line.refuseSince(now - this.#shared.options.maxWaitMs)
    this.#serve(now)
  }

  /** Closes what is unused too long or open too long. */
  sweep(now: number): void {
    this.#connections.sweep(now, this.#shared.options)
    this.forgetIfUnused()
  }

  /** Closes its connections as they become free; resolves when those that are free now are closed. */
  async evict(): Promise<void> {
    this.#connector.outdate()
    const { attempts } = this.#connector
    this.#connections.retireAll()
    await Promise.all([...attempts, ...this.#connections.closeUnused()])
  }

  /** Refuses everybody in line. */
  refuseAll(): void {
    this.#line.refuseAll()
    this.#shared.places.consider(this)
  }

  forgetIfUnused(): void {
    if (this.isForgotten || this.#taken > 0 || this.#line.size > 0) return
    if (this.#connector.isPausing(performance.now())) return
    this.isForgotten = true
    this.#shared.forget(this.destination.database)
  }

  get #taken(): number {
    return this.#connections.size + this.#connector.opening
  }

  #submit(waiter: Waiter): void {
    const shared = this.#shared
    if (shared.isClosed) {
      waiter.fail(httpErrors.overloaded())
      return
    }
    shared.wake()
    const now = performance.now()
    const backend = this.#line.size === 0 ? this.#backendFor(waiter, now) : undefined
    if (backend) this.#start(waiter, backend, now)
    else if (shared.waiting >= shared.options.maxWaiting) waiter.fail(httpErrors.overloaded())
    else if (this.#isFirstTryUnderWay && shared.options.isAway())
      waiter.fail(httpErrors.databaseUnavailable())
    else {
      this.#line.enter(waiter)
      shared.places.consider(this)
    }
  }

  get #isFirstTryUnderWay(): boolean {
    return this.#connector.opening > 0 && this.#connections.serving === 0
  }

  #backendFor(waiter: Waiter, now: number): Backend | undefined {
    const backend = this.#connections.choose(waiter, this.#shared.options.pipelineDepth, now)
    if (backend && backend.load > 0) this.#grow(now, backend.load >= GROW_AT)
    return backend
  }

  /** Opens another connection for the next time; where there is no room, only a busy tenant makes some. */
  #grow(now: number, isBusy: boolean): void {
    const { places } = this.#shared
    if (this.#connector.opening > 0 || !this.#mayOpen(now) || !(isBusy || places.hasFree)) return
    if (places.takeSpare(now)) this.open()
  }

  #mayOpen(now: number): boolean {
    const { isClosed, options } = this.#shared
    return !isClosed && this.#taken < options.maxPerTenant && this.#connector.mayTry(now)
  }

  #start(waiter: Waiter, backend: Backend, now: number): void {
    this.#shared.places.idle.remove(backend)
    if (waiter instanceof Statement) backend.send(waiter, now)
    else if (waiter instanceof LeaseRequest) backend.lend(waiter, now)
  }

  /** Serves those in line; what they do not need is idle. */
  #use(backend: Backend, now: number): void {
    const { places } = this.#shared
    if (this.#line.size > 0) this.#serve(now)
    if (backend.load > 0 || backend.isRetired || backend.chain) return
    places.idle.push(backend)
    if (places.isShort) places.makeRoom(now)
  }

  #serve(now: number): void {
    for (let waiter = this.#line.next(); waiter; waiter = this.#line.next()) {
      const backend = this.#backendFor(waiter, now)
      if (!backend) break
      this.#line.leave(waiter)
      this.#start(waiter, backend, now)
    }
    this.#shared.places.consider(this)
  }
}
