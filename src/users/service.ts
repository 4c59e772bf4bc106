import { type AuditEntry, recordAudit } from '../audit/index.ts'
import type { Publisher } from '../events/index.ts'
import { httpErrors } from '../http/index.ts'
import { type Id, newId } from '../platform/index.ts'
import type { TenantDb } from '../tenancy/index.ts'
import { profileChanged } from './audit.ts'
import type { UserEvents } from './events.ts'
import { lockTenantUser, updateProfile, upsertOwner } from './store.ts'
import type { CoreUser, ProfileChanges, TenantUser } from './types.ts'

export interface UserService {
  /**
   * Changes the given fields of a profile. Without any it answers the profile as it is.
   *
   * @throws httpErrors.notFound when the user is gone
   * @throws httpErrors.preconditionFailed when the profile is not the expected one
   */
  changeProfile(
    tenant: TenantDb,
    user: TenantUser,
    changes: ProfileChanges,
    how?: HowChanged,
  ): Promise<TenantUser>
}

interface HowChanged {
  /** Looks at the profile that would be changed; absent, it is changed whatever it is. */
  readonly isExpected?: ((current: TenantUser) => boolean) | undefined
  /** Whether somebody else acts as the user, so that the organization must be able to see it. False by default. */
  readonly isActed?: boolean
}

export function createUserService({ events }: { events: Publisher<UserEvents> }): UserService {
  return {
    changeProfile: async (tenant, user, changes, how = {}) => {
      const fields = Object.keys(changes)
      if (fields.length === 0 && !how.isExpected) return user
      const changed =
        how.isExpected || how.isActed
          ? await updateWatched(tenant, user.id, changes, how)
          : await updateProfile(tenant, user.id, changes)
      if (!changed) throw httpErrors.notFound({ detail: 'This user does not exist any more.' })
      if (fields.length > 0)
        events.publish('tenant_user.updated', { userId: user.id, fields }, tenant.tenantId)
      return changed
    },
  }
}

/** The profile that was looked at is the one that is changed: nobody comes in between. */
function updateWatched(
  tenant: TenantDb,
  id: Id,
  changes: ProfileChanges,
  { isExpected, isActed = false }: HowChanged,
): Promise<TenantUser | undefined> {
  const fields = Object.keys(changes)
  return tenant.transaction(async (tx) => {
    const current = await lockTenantUser(tx, id)
    if (!current) return undefined
    if (isExpected && !isExpected(current)) throw httpErrors.preconditionFailed()
    if (fields.length === 0) return current
    if (isActed) await recordAudit(tx, profileChanged(id, fields))
    return await updateProfile(tx.last, id, changes)
  })
}

/**
 * Makes the owner of an organization a linked user of its database: without a password there, it signs in with the core one.
 *
 * @param entryOf what is recorded of it, given the owner's id there
 */
export async function addOwner(
  tenant: TenantDb,
  owner: Pick<CoreUser, 'id' | 'email' | 'fullName'>,
  isFlushedLater: boolean,
  entryOf: (ownerId: Id) => AuditEntry,
): Promise<void> {
  const { id: coreUserId, email, fullName } = owner
  const id = newId()
  await upsertOwner(tenant, { id, coreUserId, email, fullName }, isFlushedLater, entryOf(id))
}
