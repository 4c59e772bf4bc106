import type { Id } from '../../platform/index.ts'
import type { CoreTx } from '../types.ts'
import { listServerLoads, listServers, lockPlacement, type ServerLoad, type ServerRecord } from './store.ts'

/** What a new tenant asks of its server. */
export interface PlacementWish {
  /** Only servers with this label. */
  readonly region?: string | undefined
}

/** Servers by what they may give, the one with the fewest tenants first. */
export interface Ranking {
  /** May give a spare. A spare is counted as a tenant from the start, so a full server still gives those it has. */
  readonly forSpares: readonly Id[]
  /** May take one more database. */
  readonly forNew: readonly Id[]
  /** There is but one that takes tenants, without a limit to their number. */
  readonly isOnly: boolean
}

/**
 * The servers that may take one more tenant. Asking and counting are left out where there is no choice, because counting
 * reads every tenant. Where a server has a limit, transactions that place tenants go one after another.
 *
 * @param answering picks the servers that can be worked with: whoever is placed on another one waits until it is back
 */
export async function rankServers(
  core: CoreTx,
  answering: (ids: readonly Id[]) => Promise<ReadonlySet<Id>>,
  wish: PlacementWish = {},
): Promise<Ranking> {
  const allowed = (await listServers(core)).filter((server) => isAllowed(server, wish))
  const [only] = allowed
  if (only && allowed.length === 1 && only.capacity === null)
    return { forSpares: [only.id], forNew: [only.id], isOnly: true }
  // Asked before anybody else has to wait for this transaction.
  const there = await answering(idsOf(allowed))
  if (allowed.some(({ capacity }) => capacity !== null)) await lockPlacement(core)
  const loads = (await listServerLoads(core)).filter(
    (server) => isAllowed(server, wish) && there.has(server.id),
  )
  return { forSpares: idsOf(loads), forNew: idsOf(loads.filter(hasRoom)), isOnly: false }
}

/** Whether a server may take one more database; it stays so until the transaction ends. */
export async function mayTakeOneMore(core: CoreTx, id: Id): Promise<boolean> {
  const server = (await listServers(core)).find((candidate) => candidate.id === id)
  if (!server || server.isDraining) return false
  if (server.capacity === null) return true
  await lockPlacement(core)
  return (await listServerLoads(core)).some((candidate) => candidate.id === id && hasRoom(candidate))
}

function isAllowed(server: ServerRecord, { region }: PlacementWish): boolean {
  return !server.isDraining && (region === undefined || server.region === region)
}

function hasRoom({ capacity, tenants }: ServerLoad): boolean {
  return capacity === null || tenants < capacity
}

function idsOf(servers: readonly ServerRecord[]): readonly Id[] {
  return servers.map(({ id }) => id)
}
