import { type Logger, newId } from '../../platform/index.ts'
import type { Provisioner } from '../provisioning/provisioner.ts'
import type { Claim } from '../provisioning/store.ts'
import type { ServerRegistry } from '../servers/server-registry.ts'
import { listServerLoads } from '../servers/store.ts'
import type { TenantServer } from '../servers/tenant-server.ts'
import type { CoreDb } from '../types.ts'
import { claimOutdatedSpare, countSpares } from './store.ts'

export interface SpareKeeperOptions {
  readonly core: CoreDb
  readonly servers: ServerRegistry
  readonly provisioner: Provisioner
  /** Spares that each server is to have. */
  readonly wanted: number
  readonly log: Logger
}

const CLAIM_SECONDS = 10

/**
 * Keeps migrated, empty databases ready on every server that takes tenants. They are made one at a time, because each
 * copies megabytes on a disk that others use; the caller pauses between two.
 */
export class SpareKeeper {
  readonly #options: SpareKeeperOptions

  constructor(options: SpareKeeperOptions) {
    this.#options = options
  }

  /**
   * Makes one spare, or brings one up to date, on each server that needs it. A server that is down stops none of the
   * others.
   *
   * @returns whether anything was done, so that it is worth another look soon
   */
  async refill(): Promise<boolean> {
    const { core, servers, log } = this.#options
    let isBusy = false
    for (const { id, isDraining, capacity, tenants } of await listServerLoads(core)) {
      if (isDraining || !servers.isReachable(id)) continue
      try {
        const hasRoom = capacity === null || tenants < capacity
        isBusy = (await this.#refillOne(await servers.get(id), hasRoom)) || isBusy
      } catch (error) {
        log.error({ err: error, server_id: id }, 'making a spare database failed')
      }
    }
    return isBusy
  }

  async #refillOne(server: TenantServer, hasRoom: boolean): Promise<boolean> {
    const claim = (await this.#claimOutdated(server)) ?? (hasRoom ? await this.#reserve(server) : undefined)
    if (!claim) return false
    await this.#options.provisioner.complete(claim)
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
      return await provisioner.reserveSpare(tx, server.id)
    })
  }
}
