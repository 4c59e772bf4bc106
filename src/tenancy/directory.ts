import { LRUCache } from 'lru-cache'
import { type Clock, databaseFault, type Id, SingleFlight } from '../platform/index.ts'
import { findTenant } from './store.ts'
import type { CoreDb, TenantRecord } from './types.ts'

export interface DirectoryOptions {
  readonly core: CoreDb
  readonly clock: Clock
}

/** Tenants remembered at once; a record is about 300 bytes. */
const MAX_KNOWN = 10_000
/** How long another process's change of a tenant may go unseen here. */
const KNOWN_FOR_MS = 5_000
/** Ids that do not exist come from strangers, so their number is what bounds the memory they can take. */
const MAX_UNKNOWN = 1_000
const UNKNOWN_FOR_MS = 60_000

interface Known {
  readonly record: TenantRecord
  readonly loadedAt: number
}

/**
 * Tenant id -> where its database is and whether it may be used. Loads are single-flight; what was known is still
 * answered while the core database is away.
 */
export class TenantDirectory {
  readonly #options: DirectoryOptions
  readonly #known = new LRUCache<Id, Known>({ max: MAX_KNOWN })
  readonly #unknown: LRUCache<Id, true>
  readonly #loads = new SingleFlight<Id, TenantRecord | undefined>()
  /** Grows with every invalidation: what a load began to read before one is not remembered. */
  #epoch = 0

  constructor(options: DirectoryOptions) {
    this.#options = options
    this.#unknown = new LRUCache({ max: MAX_UNKNOWN, ttl: UNKNOWN_FOR_MS })
  }

  /** The tenant, or `undefined` when there is none with this id. */
  async find(id: Id): Promise<TenantRecord | undefined> {
    const known = this.#known.get(id)
    if (known && this.#now() - known.loadedAt < KNOWN_FOR_MS) return known.record
    if (this.#unknown.has(id)) return undefined
    try {
      return await this.#loads.run(id, () => this.#load(id))
    } catch (error) {
      if (!known || !databaseFault(error)) throw error
      // Served for another while, or every look-up would wait for a core database that is away.
      this.#known.set(id, { ...known, loadedAt: this.#now() })
      return known.record
    }
  }

  /** Drops what is known of a tenant; the next look-up reads it afresh, even past a load that runs now. */
  invalidate(id: Id): void {
    this.#epoch++
    this.#known.delete(id)
    this.#unknown.delete(id)
    this.#loads.forget(id)
  }

  async #load(id: Id): Promise<TenantRecord | undefined> {
    const loadedAt = this.#now()
    const epoch = this.#epoch
    const record = await findTenant(this.#options.core, id)
    if (epoch !== this.#epoch) return record
    if (record) this.#known.set(id, { record, loadedAt })
    else {
      this.#known.delete(id)
      this.#unknown.set(id, true)
    }
    return record
  }

  #now(): number {
    return this.#options.clock.now().getTime()
  }
}
