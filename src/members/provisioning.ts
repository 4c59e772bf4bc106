import { authErrors, type KeyPrincipal, requireStillPermitted } from '../auth/index.ts'
import type { Publisher } from '../events/index.ts'
import { httpErrors } from '../http/index.ts'
import { admitNewMember, lockMembers, type MembershipMirror } from '../organizations/index.ts'
import type { Id } from '../platform/index.ts'
import type { TenantDb, TenantTx } from '../tenancy/index.ts'
import type { Permission, TenantUser } from '../users/index.ts'
import { changeActivity, removeMember } from './changes.ts'
import type { MemberEvents } from './events.ts'
import { type Encounter, type Outcome, requireAllowed } from './rules.ts'
import { findMember } from './store.ts'

/** An organization's directory, which acts by an API key in the name of whoever made that, as the guard admitted it. */
export type Directory = Pick<KeyPrincipal, 'tenant' | 'user' | 'keyId'>

/** What becomes of a member whom the directory changes; absent: that stays as it is. */
export type Destiny = { readonly isActive: boolean } | 'gone' | undefined

/**
 * Members as their organization's directory keeps them. The rules of members hold: whoever made the key must be allowed what
 * the directory does, so that only an owner's touches owners.
 */
export interface Provisioning {
  /**
   * Gives somebody an address in this transaction, who joins by it or had another one, whatever the organization says of
   * registration.
   *
   * @param email canonical
   * @throws policyErrors.emailDomainNotAllowed, authErrors.permissionDenied
   */
  admit(tx: TenantTx, directory: Directory, email: string): Promise<void>
  /**
   * Changes a member behind the lock of members: `work` reads and writes what else there is, and says what becomes of the
   * member. Sessions end in the same transaction.
   *
   * @throws httpErrors.notFound, authErrors.permissionDenied, memberErrors.lastOwner
   */
  change<T>(directory: Directory, id: Id, work: Work<T>): Promise<T>
}

type Work<T> = (
  tx: TenantTx,
  member: TenantUser,
) => Promise<{ readonly result: T; readonly destiny: Destiny }>

type Told = 'member.deactivated' | 'member.reactivated' | 'member.removed'

/** Asked again in each transaction: a body may come long after the key was looked at, and its maker be gone meanwhile. */
const PERMISSION: Permission = 'directory.provision'

export function createProvisioning(options: {
  readonly memberships: MembershipMirror
  readonly events: Publisher<MemberEvents>
}): Provisioning {
  const { memberships, events } = options
  return {
    admit: async (tx, { user }, email) => {
      await admitNewMember(tx, 'directory', email)
      await requireStillPermitted(tx, user.id, PERMISSION)
    },
    change: async ({ tenant, user }, id, work) => {
      const { coreUserId } = await find(tenant, id)
      const { result, told } = await memberships.change(tenant, coreUserId === null ? [] : [coreUserId], () =>
        tenant.transaction(async (tx) => {
          await lockMembers(tx)
          const actor = await findMember(tx, user.id)
          if (!actor) throw authErrors.invalidToken()
          await requireStillPermitted(tx, user.id, PERMISSION)
          const target = await find(tx, id)
          const { result, destiny } = await work(tx, target)
          return { result, told: await fulfil(tx, { actor, target }, destiny) }
        }),
      )
      if (told) events.publish(told, { userId: id, by: user.id }, tenant.tenantId)
      return result
    },
  }
}

/** Does what becomes of a member, and gives what is to be told of it after the commit. */
async function fulfil(tx: TenantTx, encounter: Encounter, destiny: Destiny): Promise<Told | undefined> {
  const { actor, target } = encounter
  if (destiny === undefined) return undefined
  const isGone = destiny === 'gone'
  if (!isGone && destiny.isActive === target.isActive) return undefined
  const outcome: Outcome = isGone ? 'gone' : { role: target.role, isActive: destiny.isActive }
  await requireAllowed(tx, encounter, PERMISSION, outcome)
  if (isGone) {
    await removeMember(tx, target.id, actor.id)
    return 'member.removed'
  }
  await changeActivity(tx, target.id, destiny.isActive, actor.id)
  return destiny.isActive ? 'member.reactivated' : 'member.deactivated'
}

async function find(tenant: TenantDb | TenantTx, id: Id): Promise<TenantUser> {
  const member = await findMember(tenant, id)
  if (!member) throw httpErrors.notFound({ detail: 'This organization has no such user.' })
  return member
}
