import type { Logger } from '../../platform/index.ts'
import type { CoreDb } from '../types.ts'
import type { Provisioner } from './provisioner.ts'
import { listDueEvents, listUnclaimedIds } from './store.ts'

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
  for (const tenantId of await listUnclaimedIds(core, BATCH)) {
    try {
      const isDone = await provisioner.resume(tenantId, 'reconciler')
      if (isDone) log.info({ tenant_id: tenantId }, 'an interrupted provisioning was completed')
    } catch (error) {
      log.error({ err: error, tenant_id: tenantId }, 'provisioning failed')
    }
  }
  for (const tenantId of await listDueEvents(core, EVENT_OVERDUE_SECONDS, BATCH))
    await provisioner.tellActivated(tenantId)
}
