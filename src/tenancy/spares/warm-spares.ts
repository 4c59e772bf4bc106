import type { Id, Logger } from '../../platform/index.ts'
import type { TenantAccess } from '../credentials/log-in.ts'
import type { SchemaState } from '../store.ts'
import type { CoreDb, TenantDb } from '../types.ts'
import { listSpares } from './store.ts'

export interface WarmSparesOptions {
  readonly core: CoreDb
  readonly schema: SchemaState
  /** Most spares that are kept warm, of all servers together. */
  readonly limit: number
  readonly open: (tenant: TenantAccess & { readonly serverId: Id }) => Promise<TenantDb>
  /** Brings a connection to the point where seeding costs least. */
  readonly rehearse: (tenant: TenantDb) => Promise<void>
  readonly log: Logger
}

/**
 * Keeps one connection open to each spare that the next organizations will get: to connect for the first time takes
 * longer than everything else that is left of an organization's birth. The broker closes them where others need the
 * place.
 */
export async function warmSpares(options: WarmSparesOptions): Promise<void> {
  const { core, schema, limit, open, rehearse, log } = options
  for (const spare of await listSpares(core, schema, limit)) {
    try {
      await rehearse(await open(spare))
    } catch (error) {
      log.debug({ err: error, tenant_id: spare.id }, 'a spare could not be warmed')
    }
  }
}
