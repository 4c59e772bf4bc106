import { type Id, type Logger, newId } from '../../platform/index.ts'
import type { CoreDb, Tenancy, TenantDb } from '../../tenancy/index.ts'
import {
  copyMembers,
  deleteChanges,
  insertChanges,
  listLinkedMembers,
  listOldChanges,
  lockOwnerOf,
  type MembershipChange,
  postponeChanges,
  setOwner,
} from './store.ts'
import { copyTogether } from './together.ts'

/** Keeps the core database's copy of who is a member where equal to what the tenants' databases say. */
export interface MembershipMirror {
  /**
   * Changes memberships of platform users in a tenant's database by `work`, and copies what came of it. A process that
   * dies in between leaves a note, and another one copies. Where only the copying fails, that does not count as a
   * failure: the change is made.
   */
  change<T>(tenant: TenantDb, coreUserIds: readonly Id[], work: () => Promise<T>): Promise<T>
  /** Copies what was left behind by processes that died. Says whether there may be more. */
  repair(): Promise<boolean>
}

export interface MirrorOptions {
  readonly core: CoreDb
  readonly tenancy: Pick<Tenancy, 'withTenant' | 'worker'>
  readonly log: Logger
}

/** Longer than any request may take: what is older was left behind. */
const LEFT_BEHIND_SECONDS = 60
const BATCH = 50

/** Makes the mirror, and has the worker repair it. */
export function createMembershipMirror({ core, tenancy, log }: MirrorOptions): MembershipMirror {
  const copyNow = copyTogether((tenant, changes) => copy(core, tenant, changes))
  const mirror: MembershipMirror = {
    change: async (tenant, coreUserIds, work) => {
      if (coreUserIds.length === 0) return await work()
      const id = newId()
      const organizationId = tenant.tenantId
      const changes = coreUserIds.map((coreUserId) => ({ id, coreUserId, organizationId }))
      await insertChanges(core, changes)
      // Also after a failure: whether it was committed is not always known.
      try {
        return await work()
      } finally {
        await copyNow(tenant, changes).catch((error: unknown) =>
          log.warn({ err: error, tenant_id: organizationId }, 'memberships will be copied later'),
        )
      }
    },
    repair: async () => {
      const old = await listOldChanges(core, LEFT_BEHIND_SECONDS, BATCH)
      const byOrganization = Map.groupBy(old, ({ organizationId }) => organizationId)
      for (const [organizationId, changes] of byOrganization) {
        try {
          await tenancy.withTenant(organizationId, (tenant) => copyNow(tenant, changes))
        } catch (error) {
          log.warn({ err: error, tenant_id: organizationId }, 'memberships could not be copied')
          // One that is suspended or away must not keep the others waiting.
          await postponeChanges(
            core,
            changes.map(({ id }) => id),
          )
        }
      }
      return old.length === BATCH
    },
  }
  tenancy.worker.add({ name: 'memberships', run: mirror.repair, intervalMs: 10_000, pauseMs: 100 })
  return mirror
}

/** Behind the organization's lock the truth is read anew, so of two who copy the later one writes what is newest. */
async function copy(core: CoreDb, tenant: TenantDb, changes: readonly MembershipChange[]): Promise<void> {
  const coreUserIds = [...new Set(changes.map(({ coreUserId }) => coreUserId))]
  await core.transaction(async (tx) => {
    const ownerId = await lockOwnerOf(tx, tenant.tenantId)
    if (ownerId === undefined) return
    const found = await listLinkedMembers(tenant, coreUserIds)
    const concerned = found.filter(({ coreUserId }) => coreUserIds.includes(coreUserId))
    await copyMembers(tx, tenant.tenantId, coreUserIds, concerned)
    const next = nextOwner(ownerId, found, coreUserIds)
    if (next !== ownerId) await setOwner(tx, tenant.tenantId, next)
    await deleteChanges(
      tx,
      changes.map(({ id }) => id),
      coreUserIds,
    )
  })
}

/** The owner of record stays one while being an owner; else one of those who just changed follows, or the first. */
function nextOwner(
  ownerId: Id,
  members: readonly { coreUserId: Id; role: string }[],
  changed: readonly Id[],
): Id {
  const owners = members.filter(({ role }) => role === 'owner').map(({ coreUserId }) => coreUserId)
  if (owners.includes(ownerId)) return ownerId
  return owners.find((owner) => changed.includes(owner)) ?? owners[0] ?? ownerId
}
