import type { Id, Logger } from '../../platform/index.ts'
import { atEveryServer } from '../servers/at-every-server.ts'
import type { CoreDb } from '../types.ts'
import type { Provisioner } from './provisioner.ts'
import { listDueEvents, listUnclaimed } from './store.ts'

export interface ReconcilerOptions {
  readonly core: CoreDb
  readonly provisioner: Provisioner
  readonly log: Logger
}

const BATCH = 10
/** Longer than its own process takes to tell of a tenant that it made. */
const EVENT_OVERDUE_SECONDS = 5

/**
 * One look for what a crash or a fault left unfinished: provisionings that nobody holds, and news of tenants that nobody
 * was told. One that fails stops none of the others.
 */
export async function reconcile({ core, provisioner, log }: ReconcilerOptions): Promise<void> {
  const resume = async (tenantId: Id) => {
    try {
      const isDone = await provisioner.resume(tenantId, 'reconciler')
      if (isDone) log.info({ tenant_id: tenantId }, 'an interrupted provisioning was completed')
    } catch (error) {
      log.error({ err: error, tenant_id: tenantId }, 'provisioning failed')
    }
  }
  const ofServers = Map.groupBy(await listUnclaimed(core, BATCH), ({ serverId }) => serverId)
  await atEveryServer(
    [...ofServers.values()].map(async (tenants) => {
      for (const { id } of tenants) await resume(id)
      return true
    }),
  )
  for (const tenantId of await listDueEvents(core, EVENT_OVERDUE_SECONDS, BATCH))
    await provisioner.tellActivated(tenantId)
}
