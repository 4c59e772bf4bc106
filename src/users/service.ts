import type { Publisher } from '../events/index.ts'
import { httpErrors } from '../http/index.ts'
import { newId } from '../platform/index.ts'
import type { TenantDb } from '../tenancy/index.ts'
import type { UserEvents } from './events.ts'
import { updateProfile, upsertOwner } from './store.ts'
import type { CoreUser, ProfileChanges, TenantUser } from './types.ts'

export interface UserService {
  /**
   * Changes the given fields of a profile. Without any it answers the profile as it is.
   *
   * @throws httpErrors.notFound when the user is gone
   */
  changeProfile(tenant: TenantDb, user: TenantUser, changes: ProfileChanges): Promise<TenantUser>
}

export function createUserService({ events }: { events: Publisher<UserEvents> }): UserService {
  return {
    changeProfile: async (tenant, user, changes) => {
      const fields = Object.keys(changes)
      if (fields.length === 0) return user
      const changed = await updateProfile(tenant, user.id, changes)
      if (!changed) throw httpErrors.notFound({ detail: 'This user does not exist any more.' })
      events.publish('tenant_user.updated', { userId: user.id, fields }, tenant.tenantId)
      return changed
    },
  }
}

/** Makes the owner of an organization a linked user of its database: without a password there, it signs in with the core one. */
export async function addOwner(
  tenant: TenantDb,
  owner: Pick<CoreUser, 'id' | 'email' | 'fullName'>,
  isDurableLater: boolean,
): Promise<void> {
  const { id: coreUserId, email, fullName } = owner
  await upsertOwner(tenant, { id: newId(), coreUserId, email, fullName }, isDurableLater)
}
