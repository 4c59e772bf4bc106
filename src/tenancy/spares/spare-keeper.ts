import { type Id, type Logger, newId } from '../../platform/index.ts'
import type { Provisioner } from '../provisioning/provisioner.ts'
import type { Claim } from '../provisioning/store.ts'
import { atEveryServer } from '../servers/at-every-server.ts'
import { mayTakeOneMore } from '../servers/placement.ts'
import type { ServerRegistry } from '../servers/server-registry.ts'
import { listServers } from '../servers/store.ts'
import type { TenantServer } from '../servers/tenant-server.ts'
import type { CoreDb } from '../types.ts'
import { claimOutdatedSpare, countSpares } from './store.ts'

export interface SpareKeeperOptions {
  readonly core: CoreDb
  readonly servers: ServerRegistry
  readonly provisioner: Provisioner
  /** Spares that each server is to have. */
  readonly wanted: number
  /** Called when one is ready. */
  readonly spareMade: () => void
  readonly log: Logger
}

const CLAIM_SECONDS = 10

/**
 * Keeps migrated, empty databases ready on every server that takes tenants. They are made one at a time, because each
 * copies megabytes on a disk that others use; the caller pauses between two.
 */
export class SpareKeeper {
  readonly #options: SpareKeeperOptions
  /** Servers at which something is being done. */
  readonly #busy = new Set<Id>()

  constructor(options: SpareKeeperOptions) {
    this.#options = options
  }

  /**
   * Makes one spare, or brings one up to date, on each server that needs it. A server that is down, or slow, stops none
   * of the others.
   *
   * @returns whether anything was done, so that it is worth another look soon
   */
  async refill(): Promise<boolean> {
    const open = (await listServers(this.#options.core)).filter(({ isDraining }) => !isDraining)
    // One that was not ready with its last turn gets no other.
    const free = open.filter(({ id }) => !this.#busy.has(id))
    return await atEveryServer(free.map(({ id }) => this.#takeTurn(id)))
  }

  async #takeTurn(id: Id): Promise<boolean> {
    this.#busy.add(id)
    try {
      return await this.#refillOne(id)
    } catch (error) {
      this.#options.log.error({ err: error, server_id: id }, 'making a spare database failed')
      return false
    } finally {
      this.#busy.delete(id)
    }
  }

  async #refillOne(id: Id): Promise<boolean> {
    const { servers, provisioner, spareMade } = this.#options
    const server = await servers.get(id)
    // Asked also where no spare is wanted: that a server is back should be known before somebody needs it.
    if (!(await server.answers())) return false
    const claim = (await this.#claimOutdated(server)) ?? (await this.#reserve(server))
    if (!claim) return false
    if (await provisioner.complete(claim)) spareMade()
    return true
  }

  async #claimOutdated(server: TenantServer): Promise<Claim | undefined> {
    const wish = { serverId: server.id, schema: server.template.schema, token: newId() }
    return await claimOutdatedSpare(this.#options.core, wish, CLAIM_SECONDS)
  }

  async #reserve(server: TenantServer): Promise<Claim | undefined> {
    const { core, provisioner, wanted } = this.#options
    if (wanted === 0) return undefined
    return await core.transaction(async (tx) => {
      if ((await countSpares(tx, server.id)) >= wanted) return undefined
      if (!(await mayTakeOneMore(tx, server.id))) return undefined
      return await provisioner.reserveSpare(tx, server.id)
    })
  }
}
