import { messageOf } from '../../platform/index.ts'
import type { CoreDb } from '../types.ts'
import { addressOf } from './address.ts'
import { probeServer } from './probe.ts'
import { countTenantsByServer, listServers, type ServerRecord } from './store.ts'

/** A server as operators see it. */
export interface ServerReport extends Pick<ServerRecord, 'name' | 'region' | 'capacity' | 'isDraining'> {
  /** Host and port; `undefined` where its URL was sealed with another secret. */
  readonly address: string | undefined
  /** Without spares. */
  readonly tenants: number
  /** Ready ones and those that are being made. */
  readonly spares: number
  /** Why it cannot be reached; `undefined` when it answers. */
  readonly problem: string | undefined
}

/** Every server, oldest first; all of them are asked at once whether they answer. */
export async function listServerReports(
  core: CoreDb,
  urlOf: (server: ServerRecord) => string,
): Promise<ServerReport[]> {
  const counts = await countTenantsByServer(core)
  const servers = await listServers(core)
  return await Promise.all(
    servers.map(async (server) => {
      const { name, region, capacity, isDraining } = server
      const { tenants = 0, spares = 0 } = counts.get(server.id) ?? {}
      return { name, region, capacity, isDraining, tenants, spares, ...(await reach(server, urlOf)) }
    }),
  )
}

async function reach(
  server: ServerRecord,
  urlOf: (server: ServerRecord) => string,
): Promise<Pick<ServerReport, 'address' | 'problem'>> {
  let address: string | undefined
  try {
    const url = urlOf(server)
    address = addressOf(url)
    await probeServer(url)
    return { address, problem: undefined }
  } catch (error) {
    return { address, problem: messageOf(error) }
  }
}
