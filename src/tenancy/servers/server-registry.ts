import { type Id, SingleFlight } from '../../platform/index.ts'
import type { CoreDb, CoreExecutor, CoreTx } from '../types.ts'
import type { ServerRecord } from './store.ts'
import { findServer, listServers } from './store.ts'
import type { TenantServer } from './tenant-server.ts'

export interface ServerRegistryOptions {
  readonly core: CoreDb
  /** Makes what is needed to work with a server; opens no connection yet. */
  readonly open: (record: ServerRecord) => TenantServer
}

/** The servers that this process works with. Each is made when it is first needed, and kept. */
export class ServerRegistry {
  readonly #options: ServerRegistryOptions
  readonly #open = new Map<Id, TenantServer>()
  readonly #opening = new SingleFlight<Id, TenantServer>()

  constructor(options: ServerRegistryOptions) {
    this.#options = options
  }

  /** One that was used before, or `undefined`. */
  peek(id: Id): TenantServer | undefined {
    return this.#open.get(id)
  }

  /**
   * @param within the caller's transaction, if it is in one: were all of the core's connections in transactions that wait
   *   for one more, none would ever come
   * @throws Error when there is no such server, which the core database's foreign key forbids
   */
  async get(id: Id, within?: CoreTx): Promise<TenantServer> {
    const known = this.#open.get(id)
    if (known) return known
    if (within) return await this.#load(id, within)
    return await this.#opening.run(id, () => this.#load(id, this.#options.core))
  }

  /** Every server, also those that this process did not use yet. */
  async all(): Promise<readonly TenantServer[]> {
    const records = await listServers(this.#options.core)
    return records.map((record) => this.#keep(record))
  }

  /** Those that this process used. */
  get used(): readonly TenantServer[] {
    return [...this.#open.values()]
  }

  /**
   * Those of these servers that can be worked with now. One that did not answer lately is asked again, but not waited for.
   *
   * @param within the caller's transaction
   */
  async answering(ids: readonly Id[], within: CoreTx): Promise<ReadonlySet<Id>> {
    const servers: TenantServer[] = []
    for (const id of ids) servers.push(await this.get(id, within))
    const asked = servers.map(async (server) => {
      const answer = server.answers()
      return !server.breaker.isOpen && (await answer)
    })
    const answers = await Promise.all(asked)
    return new Set(ids.filter((_, index) => answers[index]))
  }

  async close(): Promise<void> {
    await Promise.all(this.used.map((server) => server.close()))
  }

  async #load(id: Id, core: CoreExecutor): Promise<TenantServer> {
    const record = await findServer(core, id)
    if (!record) throw new Error(`there is no server ${id}`)
    return this.#keep(record)
  }

  #keep(record: ServerRecord): TenantServer {
    const known = this.#open.get(record.id)
    if (known) return known
    const server = this.#options.open(record)
    this.#open.set(record.id, server)
    return server
  }
}
