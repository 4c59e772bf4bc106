import type pg from 'pg'
import { httpErrors } from '../../http/index.ts'
import type { Connection } from '../../platform/index.ts'
import { tenantFault } from '../errors.ts'
import { Backend, type BackendOwner, LeaseRequest } from './backend.ts'
import { Chain, type Linked } from './chain.ts'
import { type BrokerOptions, type Destination, GROW_AT } from './options.ts'
import type { Contender, Places } from './places.ts'
import { Statement, type Waiter } from './waiter.ts'

/** What all lanes of one broker share. */
export interface Shared {
  readonly options: Required<BrokerOptions>
  readonly places: Places
  /** Callers in line, in all lanes. */
  waiting: number
  isClosed: boolean
  /** Somebody uses a connection, or waits: time matters from now on. */
  wake(): void
  /** The lane has neither connections nor callers. */
  forget(lane: Lane): void
}

/** After a failed try to connect, the next one waits so many milliseconds. */
const RETRY_MS = 100

/**
 * One database's connections and the callers who wait for one of them, in the order in which they came: no statement
 * overtakes a caller who wants a connection alone, so he gets the first on which nothing runs any more.
 */
export class Lane implements Contender, BackendOwner {
  chain: Linked<Contender>['chain'] = undefined
  before: Contender | undefined = undefined
  after: Contender | undefined = undefined
  destination: Destination
  /** The broker has forgotten it: callers need a new one. */
  isForgotten = false
  readonly #shared: Shared
  readonly #line = new Chain<Waiter>()
  #aloneInLine = 0
  /** Those that take callers, and those that one caller has alone. */
  readonly #backends: Backend[] = []
  /** Those that take nobody any more, until the server has let go of them. */
  readonly #retired = new Set<Backend>()
  #opening = 0
  readonly #attempts = new Set<Promise<void>>()
  /** Connections opened for an earlier generation are not used. */
  #generation = 0
  /** When it may be tried again to connect, after a failure. */
  #retryAt = 0

  constructor(destination: Destination, shared: Shared) {
    this.destination = destination
    this.#shared = shared
  }

  get usable(): number {
    return this.#backends.length + this.#opening
  }

  get wants(): boolean {
    const inLine = this.#line.size
    if (inLine === 0 || !this.#mayOpen(performance.now())) return false
    const needed = this.#aloneInLine + Math.ceil((inLine - this.#aloneInLine) / GROW_AT)
    return this.#opening < needed
  }

  /** Connections that somebody uses. */
  get busy(): number {
    let busy = 0
    for (const backend of [...this.#backends, ...this.#retired]) if (backend.load > 0) busy++
    return busy
  }

  /** Runs one statement. Throws what the driver throws, in a tenant's terms. */
  query(config: pg.QueryConfig, values?: unknown[]): Promise<pg.QueryResult> {
    return new Promise((resolve, reject) => this.#submit(new Statement(config, values, resolve, reject)))
  }

  /** Gives one connection to `work` alone. Throws what `work` throws, in a tenant's terms. */
  async exclusive<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    const backend = await new Promise<Backend>((resolve, reject) =>
      this.#submit(new LeaseRequest(resolve, reject)),
    )
    let thrown: unknown
    try {
      return await work(backend.client)
    } catch (error) {
      thrown = error
      throw tenantFault(error)
    } finally {
      backend.takeBack(thrown)
    }
  }

  /** Opens a connection, on a place that was taken for it. */
  open(): void {
    this.#opening++
    this.#shared.wake()
    const attempt = this.#connect(this.#generation).finally(() => this.#attempts.delete(attempt))
    this.#attempts.add(attempt)
  }

  progressed(backend: Backend, now: number): void {
    const { places } = this.#shared
    if (!backend.isRetired && places.mustGiveUp(backend, now)) backend.retire()
    this.#use(backend, now)
  }

  /** Serves those in line; what they do not need is idle. */
  #use(backend: Backend, now: number): void {
    const { places } = this.#shared
    if (this.#line.size > 0) this.#serve(now)
    if (backend.load > 0 || backend.isRetired || backend.chain) return
    places.idle.push(backend)
    if (places.isShort) places.makeRoom(now)
  }

  retired(backend: Backend): void {
    const { places } = this.#shared
    this.#backends.splice(this.#backends.indexOf(backend), 1)
    this.#retired.add(backend)
    places.idle.remove(backend)
    // How long its holder needs nobody knows.
    if (!backend.isLeased) places.expect(backend, true)
    places.consider(this)
  }

  gone(backend: Backend): void {
    const { places } = this.#shared
    this.#retired.delete(backend)
    places.expect(backend, false)
    places.free()
    places.consider(this)
    this.forgetIfUnused()
  }

  outdated(): void {
    this.#generation++
    for (const backend of [...this.#backends]) backend.retire()
  }

  runAgain(statement: Statement): void {
    this.#enter(statement, true)
    this.#serve(performance.now())
  }

  /** Looks at what takes long: callers in line, statements whose caller has gone. */
  patrol(now: number): void {
    for (const backend of [...this.#backends, ...this.#retired]) {
      backend.stopAbandoned(now)
      backend.giveUp(now)
    }
    for (const backend of this.#retired) {
      if (backend.isSlow(now)) this.#shared.places.expect(backend, false)
    }
    if (this.#line.size === 0) return
    const { maxWaitMs } = this.#shared.options
    for (const waiter of this.#line) {
      if (waiter.isAbandoned || now - waiter.waitingSince >= maxWaitMs) this.#refuse(waiter)
    }
    this.#serve(now)
  }

  /** Closes what is unused too long or open too long; of the busy ones one at a time. */
  sweep(now: number): void {
    const { idleMs, maxLifeMs } = this.#shared.options
    let mayDrain = true
    for (const backend of [...this.#backends]) {
      const isOld = now - backend.bornAt > maxLifeMs
      if (backend.load === 0 && (isOld || now - backend.idleSince > idleMs)) backend.retire()
      else if (isOld && mayDrain) {
        mayDrain = false
        backend.retire()
      }
    }
    this.forgetIfUnused()
  }

  /** Closes its connections as they become free; resolves when those that are free now are closed. */
  async evict(): Promise<void> {
    this.#generation++
    const closing: Promise<unknown>[] = [...this.#attempts]
    for (const backend of [...this.#backends]) backend.retire()
    for (const backend of this.#retired)
      if (backend.load === 0 || backend.isCleaning) closing.push(backend.close())
    await Promise.all(closing)
  }

  /** Refuses everybody in line. */
  refuseAll(): void {
    for (const waiter of this.#line) this.#refuse(waiter)
    this.#shared.places.consider(this)
  }

  forgetIfUnused(): void {
    if (this.isForgotten || this.#taken > 0 || this.#line.size > 0 || this.#retryAt > performance.now())
      return
    this.isForgotten = true
    this.#shared.forget(this)
  }

  get #taken(): number {
    return this.usable + this.#retired.size
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
    else if (this.#opening > 0 && this.#backends.length === 0 && shared.options.isAway())
      waiter.fail(httpErrors.databaseUnavailable())
    else {
      this.#enter(waiter, false)
      shared.places.consider(this)
    }
  }

  /** One on which nothing runs, or for a statement the least loaded one behind which it need not wait long. */
  #backendFor(waiter: Waiter, now: number): Backend | undefined {
    let best: Backend | undefined
    let least = this.#shared.options.pipelineDepth
    for (const backend of this.#backends) {
      const { load } = backend
      if (load === 0) return backend
      if (waiter.alone || load >= least || backend.isLeased || backend.isSlow(now)) continue
      best = backend
      least = load
    }
    if (best) this.#grow(now, least >= GROW_AT)
    return best
  }

  /** Opens another connection for the next time; where there is no room, only a busy tenant makes some. */
  #grow(now: number, isBusy: boolean): void {
    const { places } = this.#shared
    if (this.#opening > 0 || !this.#mayOpen(now) || !(isBusy || places.hasFree)) return
    if (places.takeSpare(now)) this.open()
  }

  #mayOpen(now: number): boolean {
    const { isClosed, options } = this.#shared
    if (isClosed || this.#taken >= options.maxPerTenant) return false
    // After a failure one at a time, until one succeeds.
    return this.#retryAt === 0 || (this.#opening === 0 && this.#retryAt <= now)
  }

  #start(waiter: Waiter, backend: Backend, now: number): void {
    this.#shared.places.idle.remove(backend)
    if (waiter instanceof Statement) backend.send(waiter, now)
    else if (waiter instanceof LeaseRequest) backend.lend(waiter, now)
  }

  #serve(now: number): void {
    for (let waiter = this.#line.first; waiter; waiter = this.#line.first) {
      if (waiter.isAbandoned) {
        this.#refuse(waiter)
        continue
      }
      const backend = this.#backendFor(waiter, now)
      if (!backend) break
      this.#leave(waiter)
      this.#start(waiter, backend, now)
    }
    this.#shared.places.consider(this)
  }

  #enter(waiter: Waiter, isFirst: boolean): void {
    waiter.waitingSince = performance.now()
    if (isFirst) this.#line.unshift(waiter)
    else this.#line.push(waiter)
    if (waiter.alone) this.#aloneInLine++
    this.#shared.waiting++
  }

  #leave(waiter: Waiter): void {
    this.#line.remove(waiter)
    if (waiter.alone) this.#aloneInLine--
    this.#shared.waiting--
  }

  #refuse(waiter: Waiter): void {
    this.#leave(waiter)
    waiter.fail(httpErrors.overloaded())
  }

  async #connect(generation: number): Promise<void> {
    const { options } = this.#shared
    const { destination } = this
    let client: pg.Client
    try {
      client = await destination.open()
    } catch (error) {
      this.#opening--
      this.#notConnected(error, generation)
      return
    }
    this.#opening--
    this.#retryAt = 0
    const backend = new Backend(client, this, options.cancel)
    this.#backends.push(backend)
    if (this.#shared.isClosed || generation !== this.#generation) {
      backend.retire()
      await backend.close()
    } else this.#use(backend, backend.bornAt)
  }

  /** Tells all who wait, unless another connection serves them: what failed for one will fail for the next too. */
  #notConnected(error: unknown, generation: number): void {
    this.#retryAt = performance.now() + RETRY_MS
    // Those who came after an eviction were not asked for with what failed.
    if (this.usable === 0 && generation === this.#generation) {
      for (const waiter of this.#line) {
        this.#leave(waiter)
        waiter.fail(error)
      }
    }
    this.#shared.places.free()
    this.#shared.places.consider(this)
    this.forgetIfUnused()
  }
}
