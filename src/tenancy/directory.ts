import { LRUCache } from 'lru-cache'
import {
  type Clock,
  databaseFault,
  type Id,
  isId,
  type Listener,
  type ListenerHandlers,
} from '../platform/index.ts'
import { type Known, KnownTenants } from './known-tenants.ts'
import type { TenantRecord } from './types.ts'

export interface DirectoryOptions {
  /** Reads a tenant from the core database; `undefined` when there is none. */
  readonly load: (id: Id) => Promise<TenantRecord | undefined>
  /** Starts to listen to changes of tenants in any process. Left out: nobody tells, and everything is soon outdated. */
  readonly listen?: (handlers: ListenerHandlers) => Listener
  readonly clock: Clock
}

/** Ids that do not exist come from strangers, so their number is what bounds the memory they can take. */
const MAX_UNKNOWN = 1_000
/** While changes are announced, this only limits the harm of an announcement that got lost. */
const ANNOUNCED_FOR_MS = 60_000
/** How long another process's change may go unseen while nobody announces it. */
const UNANNOUNCED_FOR_MS = 1_000
/** How long after a failed load the core database is taken to be away still. */
const AWAY_FOR_MS = 5_000
/** Each further load of one look-up was made necessary by one more change during the one before. */
const MAX_LOADS = 3

interface Load {
  readonly result: Promise<TenantRecord | undefined>
  /** A change that was announced after it began: a record of an older epoch is outdated. */
  changedTo: number | undefined
}

/**
 * Tenant id -> where its database is and whether it may be used. Loads are single-flight. Changes in other processes are
 * announced; what is older than its last announcement is never answered to a look-up that came after it. What was known
 * is still answered while the core database is away.
 */
export class TenantDirectory {
  readonly #options: DirectoryOptions
  readonly #known = new KnownTenants()
  /** Ids without a tenant, and until when that holds. */
  readonly #unknown = new LRUCache<Id, number>({ max: MAX_UNKNOWN })
  /** Loads that are not outdated. Only what one of these reads is remembered, so no list of announcements is needed. */
  readonly #loads = new Map<Id, Load>()
  readonly #listener: Listener | undefined
  #isListening = false
  #awayUntil = 0
  #latest = 0

  constructor(options: DirectoryOptions) {
    this.#options = options
    this.#listener = options.listen?.({
      onNotification: (payload) => this.#hear(payload),
      onReady: () => this.#restart(true),
      onLost: () => this.#restart(false),
    })
  }

  /** How many tenants and ids without a tenant are remembered, and how many are being loaded. */
  get entries(): { readonly known: number; readonly unknown: number; readonly loading: number } {
    return { known: this.#known.size, unknown: this.#unknown.size, loading: this.#loads.size }
  }

  /** The tenant if that can be said at once; otherwise `undefined`, and `find` knows. */
  peek(id: Id): TenantRecord | undefined {
    const known = this.#known.get(id)
    return known && this.#now() < known.freshUntil ? known.record : undefined
  }

  /**
   * The tenant, or `undefined` when there is none with this id.
   *
   * @throws what the core database answers, where nothing is known of the tenant
   */
  async find(id: Id): Promise<TenantRecord | undefined> {
    for (let loads = 1; ; loads++) {
      const fresh = this.peek(id)
      if (fresh || this.#isUnknown(id)) return fresh
      const load = this.#loads.get(id) ?? this.#startLoad(id)
      const known = this.#known.get(id)
      if (known && this.#now() < this.#awayUntil) {
        load.result.catch(() => undefined)
        return known.record
      }
      const record = await load.result
      if (!isOutdated(record, load) || loads === MAX_LOADS) return record
    }
  }

  /** Drops what is known of a tenant after a change in this process; a load that runs now is made once more. */
  invalidate(id: Id): void {
    this.#change(id, Number.POSITIVE_INFINITY)
  }

  /** Stops listening. */
  async close(): Promise<void> {
    await this.#listener?.close()
  }

  /** `<id> <epoch>`; anything else was not sent by the core database's trigger. */
  #hear(payload: string): void {
    const [id = '', epoch = ''] = payload.split(' ')
    if (isId(id) && /^\d+$/.test(epoch)) this.#change(id, Number(epoch))
  }

  #change(id: Id, epoch: number): void {
    this.#known.dropOlder(id, epoch)
    this.#unknown.delete(id)
    const load = this.#loads.get(id)
    if (!load) return
    load.changedTo = epoch
    this.#loads.delete(id)
  }

  /** Announcements may have been missed: everything is to be loaded afresh. Until then it is for bad times only. */
  #restart(isListening: boolean): void {
    this.#isListening = isListening
    this.#distrust()
  }

  #distrust(): void {
    this.#known.distrust()
    this.#unknown.clear()
    this.#loads.clear()
    this.#awayUntil = 0
  }

  #isUnknown(id: Id): boolean {
    const until = this.#unknown.get(id)
    return until !== undefined && this.#now() < until
  }

  #startLoad(id: Id): Load {
    const { promise: result, resolve } = Promise.withResolvers<TenantRecord | undefined>()
    const load: Load = { result, changedTo: undefined }
    this.#loads.set(id, load)
    resolve(this.#run(id, load))
    return load
  }

  async #run(id: Id, load: Load): Promise<TenantRecord | undefined> {
    const startedAt = this.#now()
    try {
      const record = await this.#options.load(id)
      this.#awayUntil = 0
      return this.#loads.get(id) === load ? this.#remember(id, record, startedAt) : record
    } catch (error) {
      if (!databaseFault(error)) throw error
      this.#awayUntil = this.#now() + AWAY_FOR_MS
      // Not what was known when the load began: an announcement may have dropped that.
      const known = this.#known.get(id)
      if (!known) throw error
      this.#makeDo(known)
      return known.record
    } finally {
      if (this.#loads.get(id) === load) this.#loads.delete(id)
    }
  }

  #remember(id: Id, record: TenantRecord | undefined, startedAt: number): TenantRecord | undefined {
    const freshUntil = startedAt + (this.#isListening ? ANNOUNCED_FOR_MS : UNANNOUNCED_FOR_MS)
    if (record) return this.#known.set(record, freshUntil)
    this.#known.delete(id)
    this.#unknown.set(id, freshUntil)
    return undefined
  }

  /** Lets a record serve for a moment, or every look-up would try a core database that is away. */
  #makeDo(known: Known): void {
    known.freshUntil = this.#now() + UNANNOUNCED_FOR_MS
  }

  #now(): number {
    const now = this.#options.clock.now().getTime()
    // A clock that was set back would keep everything fresh for as long as it went back.
    if (now < this.#latest) this.#distrust()
    this.#latest = now
    return now
  }
}

/** A tenant that is not there may be one that was just made. */
function isOutdated(record: TenantRecord | undefined, { changedTo }: Load): boolean {
  return changedTo !== undefined && (record === undefined || record.epoch < changedTo)
}
