import { LRUCache } from 'lru-cache'
import type { Id } from '../platform/index.ts'
import type { TenantRecord } from './types.ts'

/** A tenant and how long it may be answered without a look into the core database. */
export interface Known {
  readonly record: TenantRecord
  /** Milliseconds since 1970. */
  freshUntil: number
}

const MAX_KNOWN = 10_000
const MAX_SHARED = 100

/** The tenants that were looked up last, at most 10,000. */
export class KnownTenants {
  readonly #known = new LRUCache<Id, Known>({ max: MAX_KNOWN })
  /** Texts that many tenants have in common, such as a server's id: every row brings a copy of its own. */
  readonly #shared = new LRUCache<string, string>({ max: MAX_SHARED })

  get size(): number {
    return this.#known.size
  }

  get(id: Id): Known | undefined {
    return this.#known.get(id)
  }

  /** Remembers a record and gives it back, as the object that is known already where nothing changed. */
  set(record: TenantRecord, freshUntil: number): TenantRecord {
    const known = this.#known.get(record.id)
    if (known && isSame(known.record, record)) {
      known.freshUntil = freshUntil
      return known.record
    }
    const compact = this.#compact(record)
    this.#known.set(compact.id, { record: compact, freshUntil })
    return compact
  }

  delete(id: Id): void {
    this.#known.delete(id)
  }

  /** Forgets a record that is older than `epoch`. */
  dropOlder(id: Id, epoch: number): void {
    const known = this.#known.peek(id)
    if (known && known.record.epoch < epoch) this.#known.delete(id)
  }

  /** Nothing is fresh any more. */
  distrust(): void {
    for (const known of this.#known.values()) known.freshUntil = 0
  }

  /** One shape for all, written out: a row's object takes about twice the memory. */
  #compact(record: TenantRecord): TenantRecord {
    const { id, databaseName, epoch, credentialsVersion, sealedPassword, sealedPreviousPassword } = record
    const { schemaVersion, migrationsApplied } = record
    return {
      id,
      status: this.#share(record.status),
      serverId: this.#share(record.serverId),
      databaseName,
      epoch,
      credentialsVersion,
      sealedPassword,
      sealedPreviousPassword,
      schemaVersion: schemaVersion === null ? null : this.#share(schemaVersion),
      migrationsApplied,
    }
  }

  #share<Text extends string>(text: Text): Text {
    const shared = this.#shared.get(text) as Text | undefined
    if (shared !== undefined) return shared
    this.#shared.set(text, text)
    return text
  }
}

/** Every field, not the epoch alone: a core database that was restored may count to the same number twice. */
function isSame(one: TenantRecord, other: TenantRecord): boolean {
  return (Object.keys(one) as (keyof TenantRecord)[]).every((field) => one[field] === other[field])
}
