import type { Publisher } from '../events/index.ts'
import { httpErrors } from '../http/index.ts'
import { admitNewMember, lockMembers, type MembershipMirror } from '../organizations/index.ts'
import type { Id } from '../platform/index.ts'
import type { TenantDb, TenantTx } from '../tenancy/index.ts'
import type { TenantUser } from '../users/index.ts'
import { changeActivity, removeMember } from './changes.ts'
import type { MemberEvents } from './events.ts'
import { requireOwnerRemains } from './rules.ts'
import { findMember } from './store.ts'

/** An organization's directory that acts by an API key, as the guard admitted it. */
export interface Directory {
  readonly tenant: TenantDb
  readonly keyId: Id
}

/** What becomes of a member whom the directory changes; absent: that stays as it is. */
export type Destiny = { readonly isActive: boolean } | 'gone' | undefined

/**
 * Members as their organization's directory keeps them. It has no role, so it may touch anybody, owners too, but makes no
 * owners; the other rules of members hold.
 */
export interface Provisioning {
  /**
   * Lets somebody join in this transaction, whatever the organization says of registration.
   *
   * @param email canonical
   * @throws policyErrors.emailDomainNotAllowed
   */
  admit(tx: TenantTx, email: string): Promise<void>
  /**
   * Changes a member behind the lock of members: `work` reads and writes what else there is, and says what becomes of the
   * member. Sessions end in the same transaction.
   *
   * @throws httpErrors.notFound, memberErrors.lastOwner
   */
  change<T>(directory: Directory, id: Id, work: Work<T>): Promise<T>
}

type Work<T> = (
  tx: TenantTx,
  member: TenantUser,
) => Promise<{ readonly result: T; readonly destiny: Destiny }>

type Told = 'member.deactivated' | 'member.reactivated' | 'member.removed'

export function createProvisioning(options: {
  readonly memberships: MembershipMirror
  readonly events: Publisher<MemberEvents>
}): Provisioning {
  const { memberships, events } = options
  return {
    admit: (tx, email) => admitNewMember(tx, 'directory', email),
    change: async (directory, id, work) => {
      const { tenant, keyId } = directory
      const { coreUserId } = await find(tenant, id)
      const { result, told } = await memberships.change(tenant, coreUserId === null ? [] : [coreUserId], () =>
        tenant.transaction(async (tx) => {
          await lockMembers(tx)
          const done = await work(tx, await find(tx, id))
          return { result: done.result, told: await fulfil(tx, await findMember(tx, id), done.destiny, keyId) }
        }),
      )
      if (told) events.publish(told, { userId: id, by: keyId }, tenant.tenantId)
      return result
    },
  }
}

/** Does what becomes of a member, and gives what is to be told of it after the commit. */
async function fulfil(
  tx: TenantTx,
  member: TenantUser | undefined,
  destiny: Destiny,
  keyId: Id,
): Promise<Told | undefined> {
  if (!member || destiny === undefined) return undefined
  const by = { kind: 'api_key', id: keyId } as const
  if (destiny === 'gone') {
    await requireOwnerRemains(tx, member, 'gone')
    await removeMember(tx, member.id, by)
    return 'member.removed'
  }
  const { isActive } = destiny
  if (isActive === member.isActive) return undefined
  await requireOwnerRemains(tx, member, { role: member.role, isActive })
  await changeActivity(tx, member.id, isActive, by)
  return isActive ? 'member.reactivated' : 'member.deactivated'
}

async function find(tenant: TenantDb | TenantTx, id: Id): Promise<TenantUser> {
  const member = await findMember(tenant, id)
  if (!member) throw httpErrors.notFound({ detail: 'This organization has no such user.' })
  return member
}
