import { recordAudit } from '../audit/index.ts'
import { authErrors, type Freshness } from '../auth/index.ts'
import type { Publisher } from '../events/index.ts'
import { httpErrors } from '../http/index.ts'
import { lockMembers, type MembershipMirror } from '../organizations/index.ts'
import type { Id } from '../platform/index.ts'
import type { TenantDb, TenantTx } from '../tenancy/index.ts'
import { isPermitted, type Permission, type TenantRole, type TenantUser } from '../users/index.ts'
import { by, byMember, memberAudit } from './audit.ts'
import { changeActivity, removeMember } from './changes.ts'
import type { MemberEvents } from './events.ts'
import { requireFreshFor } from './fresh-roles.ts'
import { revokeInvitationsOf } from './invitations/store.ts'
import { type Encounter, type Outcome, requireAllowed, requireOwnable } from './rules.ts'
import { findMember, setRole } from './store.ts'

/** A member who acts, as the guard admitted it. */
export interface Actor {
  readonly tenant: TenantDb
  readonly user: TenantUser
}

/**
 * Changes of members. All throw httpErrors.notFound for an unknown member, authErrors.permissionDenied where the role of
 * either forbids it, and memberErrors.lastOwner where nobody would own the organization.
 */
export interface MemberService {
  /** @throws httpErrors.notFound */
  find(tenant: TenantDb, id: Id): Promise<TenantUser>
  /** @throws also memberErrors.memberNotLinked, memberInactive */
  changeRole(actor: Actor, id: Id, role: TenantRole): Promise<TenantUser>
  /** Ends the sessions too, and revokes the member's open invitations, as do the loss of the right to invite and removal. */
  deactivate(actor: Actor, id: Id): Promise<TenantUser>
  /** @throws also secondFactorErrors.stepUpRequired for who runs the organization */
  reactivate(actor: Actor & Freshness, id: Id): Promise<TenantUser>
  /** Everybody may remove oneself. */
  remove(actor: Actor, id: Id): Promise<void>
  /** Makes another member the owner, and the present one an admin. @throws also memberErrors */
  transfer(actor: Actor, id: Id): Promise<TenantUser>
}

export interface MemberServiceOptions {
  readonly memberships: MembershipMirror
  readonly events: Publisher<MemberEvents>
}

type Change = <T>(
  actor: Actor,
  id: Id,
  work: (tx: TenantTx, encounter: Encounter) => Promise<T>,
) => Promise<T>

/** Runs `work` behind the lock of members, and copies into the core database what came of it. */
function createChange(memberships: MembershipMirror): Change {
  return async ({ tenant, user }, id, work) => {
    const { coreUserId } = await find(tenant, id)
    const concerned = new Set([user.coreUserId, coreUserId].filter((one) => one !== null))
    return await memberships.change(tenant, [...concerned], () =>
      tenant.transaction(async (tx) => {
        await lockMembers(tx)
        const actor = await findMember(tx, user.id)
        if (!actor) throw authErrors.invalidToken()
        return await work(tx, { actor, target: await find(tx, id) })
      }),
    )
  }
}

export function createMemberService({ memberships, events }: MemberServiceOptions): MemberService {
  const change = createChange(memberships)

  const setActivity = createSetActivity(change, events)

  return {
    find,
    changeRole: async (actor, id, role) => {
      const { member, from } = await change(actor, id, async (tx, encounter) => {
        const { target } = encounter
        const outcome: Outcome = { role, isActive: target.isActive }
        await requireAllowed(tx, encounter, 'members.role' satisfies Permission, outcome)
        if (target.role === role) return { member: target, from: role }
        if (!isPermitted(role, 'invitations.manage' satisfies Permission)) await revokeInvitationsOf(tx, id)
        const from = target.role
        const member = await setRole(tx, id, role)
        const aim = { target: { kind: 'user', id }, details: { from, to: role } }
        await recordAudit(tx, memberAudit('member.role_changed', { ...by(actor.user.id), ...aim }))
        return { member, from }
      })
      if (from !== role) {
        const payload = { userId: id, by: actor.user.id, from, to: role }
        events.publish('member.role_changed', payload, actor.tenant.tenantId)
      }
      return member
    },
    deactivate: (actor, id) => setActivity(actor, id, false),
    reactivate: (actor, id) => setActivity(actor, id, true, ({ role }) => requireFreshFor(role, actor)),
    remove: async (actor, id) => {
      await change(actor, id, async (tx, encounter) => {
        await requireAllowed(tx, encounter, 'members.manage' satisfies Permission, 'gone')
        await removeMember(tx, id, actor.user.id)
      })
      events.publish('member.removed', { userId: id, by: actor.user.id }, actor.tenant.tenantId)
    },
    transfer: async (actor, id) => {
      const owner = await change(actor, id, async (tx, encounter) => await handOver(tx, encounter))
      events.publish('organization.transferred', { from: actor.user.id, to: id }, actor.tenant.tenantId)
      return owner
    },
  }
}

/** Sets whether a member is active, unless it is so already; `check` throws where that is not to be. */
function createSetActivity(change: Change, events: Publisher<MemberEvents>) {
  return async (
    actor: Actor,
    id: Id,
    isActive: boolean,
    check?: (target: TenantUser) => void,
  ): Promise<TenantUser> => {
    const name = isActive ? 'member.reactivated' : 'member.deactivated'
    const { member, isChanged } = await change(actor, id, async (tx, encounter) => {
      const { target } = encounter
      const outcome: Outcome = { role: target.role, isActive }
      const permission: Permission = isActive ? 'members.reactivate' : 'members.manage'
      await requireAllowed(tx, encounter, permission, outcome)
      if (target.isActive === isActive) return { member: target, isChanged: false }
      check?.(target)
      return { member: await changeActivity(tx, id, isActive, actor.user.id), isChanged: true }
    })
    if (isChanged) events.publish(name, { userId: id, by: actor.user.id }, actor.tenant.tenantId)
    return member
  }
}

async function handOver(tx: TenantTx, { actor, target }: Encounter): Promise<TenantUser> {
  if (!actor.isActive || !isPermitted(actor.role, 'organization.transfer' satisfies Permission))
    throw authErrors.permissionDenied()
  if (actor.id === target.id)
    throw httpErrors.validationFailed({ errors: [{ pointer: '/member_id', code: 'not-allowed' }] })
  requireOwnable(target)
  await setRole(tx, actor.id, 'admin')
  const owner = await setRole(tx, target.id, 'owner')
  await recordAudit(tx, byMember('organization.transferred', actor.id, target.id))
  return owner
}

async function find(tenant: TenantDb | TenantTx, id: Id): Promise<TenantUser> {
  const member = await findMember(tenant, id)
  if (!member) throw httpErrors.notFound({ detail: 'This organization has no such member.' })
  return member
}
