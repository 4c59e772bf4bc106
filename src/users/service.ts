import type { AuditEntry } from '../audit/index.ts'
import type { Publisher } from '../events/index.ts'
import { httpErrors } from '../http/index.ts'
import { type Id, newId } from '../platform/index.ts'
import type { TenantDb } from '../tenancy/index.ts'
import type { UserEvents } from './events.ts'
import { lockTenantUser, updateProfile, upsertOwner } from './store.ts'
import type { CoreUser, ProfileChanges, TenantUser } from './types.ts'

export interface UserService {
  /**
   * Changes the given fields of a profile. Without any it answers the profile as it is.
   *
   * @param isExpected looks at the profile that would be changed; absent, it is changed whatever it is
   * @throws httpErrors.notFound when the user is gone
   * @throws httpErrors.preconditionFailed when the profile is not the expected one
   */
  changeProfile(
    tenant: TenantDb,
    user: TenantUser,
    changes: ProfileChanges,
    isExpected?: IsExpected,
  ): Promise<TenantUser>
}

type IsExpected = (current: TenantUser) => boolean

export function createUserService({ events }: { events: Publisher<UserEvents> }): UserService {
  return {
    changeProfile: async (tenant, user, changes, isExpected) => {
      const fields = Object.keys(changes)
      if (fields.length === 0 && !isExpected) return user
      const changed = isExpected
        ? await updateExpected(tenant, user.id, changes, isExpected)
        : await updateProfile(tenant, user.id, changes)
      if (!changed) throw httpErrors.notFound({ detail: 'This user does not exist any more.' })
      if (fields.length > 0)
        events.publish('tenant_user.updated', { userId: user.id, fields }, tenant.tenantId)
      return changed
    },
  }
}

/** The profile that was looked at is the one that is changed: nobody comes in between. */
function updateExpected(
  tenant: TenantDb,
  id: Id,
  changes: ProfileChanges,
  isExpected: IsExpected,
): Promise<TenantUser | undefined> {
  return tenant.transaction(async (tx) => {
    const current = await lockTenantUser(tx, id)
    if (!current) return undefined
    if (!isExpected(current)) throw httpErrors.preconditionFailed()
    return Object.keys(changes).length === 0 ? current : await updateProfile(tx.last, id, changes)
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
