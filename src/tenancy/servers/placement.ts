import type { Id } from '../../platform/index.ts'
import type { CoreExecutor } from '../types.ts'
import { listServerLoads, listServers, type ServerLoad, type ServerRecord } from './store.ts'

/** What a new tenant asks of its server. */
export interface PlacementWish {
  /** Only servers with this label. */
  readonly region?: string | undefined
}

/**
 * The servers that may take one more tenant, the one with the fewest first. Counting is left out where there is no
 * choice, because it reads every tenant.
 *
 * @param isReachable says whether a server answered lately; one that did not is the last resort
 */
export async function rankServers(
  core: CoreExecutor,
  isReachable: (id: Id) => boolean,
  wish: PlacementWish = {},
): Promise<readonly Id[]> {
  const allowed = (await listServers(core)).filter((server) => isAllowed(server, wish))
  const [only] = allowed
  if (only && allowed.length === 1 && only.capacity === null) return [only.id]
  const loads = (await listServerLoads(core)).filter((server) => isAllowed(server, wish) && hasRoom(server))
  // The sort is stable: within the reachable and the others the emptiest stays first.
  return loads.map(({ id }) => id).sort((one, other) => Number(isReachable(other)) - Number(isReachable(one)))
}

function isAllowed(server: ServerRecord, { region }: PlacementWish): boolean {
  return !server.isDraining && (region === undefined || server.region === region)
}

function hasRoom({ capacity, tenants }: ServerLoad): boolean {
  return capacity === null || tenants < capacity
}
