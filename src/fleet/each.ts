import { type Id, messageOf } from '../platform/index.ts'
import type { CoreDb } from '../tenancy/index.ts'
import { pickTenants } from './plan.ts'
import { inPool } from './pool.ts'
import { type FleetTenant, listFleet } from './tenants/store.ts'

export interface EachOptions {
  readonly core: CoreDb
  /** Most tenants at the same time. */
  readonly concurrency: number
  /** Only these. Default: every tenant with a database, suspended ones too. */
  readonly only?: readonly Id[] | undefined
  /** Aborted, it lets those that have begun end, and no other begins. */
  readonly signal: AbortSignal
}

/** How it went for one tenant. */
export type EachOutcome<Result> =
  | { readonly tenantId: Id; readonly result: Result }
  | { readonly tenantId: Id; readonly error: string }

/** How it went for all. */
export interface EachReport {
  readonly tenants: number
  readonly succeeded: number
  readonly failed: number
}

/**
 * Does something for many tenants, some at a time, and tells each outcome as it comes. A tenant that fails stops none of
 * the others. Nothing is recorded.
 *
 * @throws UnknownTenantError before anything was done
 */
export async function forEachTenant<Result>(
  { core, concurrency, only, signal }: EachOptions,
  work: (tenant: FleetTenant) => Promise<Result>,
  tell: (outcome: EachOutcome<Result>) => void,
): Promise<EachReport> {
  const fleet = await listFleet(core)
  const tenants = only ? pickTenants(fleet, only) : fleet
  let [succeeded, failed] = [0, 0]
  const options = {
    concurrency,
    perKey: concurrency,
    keyOf: ({ serverId }: FleetTenant) => serverId,
    isStopped: () => signal.aborted,
  }
  await inPool(tenants, options, async (tenant) => {
    try {
      tell({ tenantId: tenant.id, result: await work(tenant) })
      succeeded++
    } catch (error) {
      tell({ tenantId: tenant.id, error: messageOf(error) })
      failed++
    }
  })
  return { tenants: tenants.length, succeeded, failed }
}
