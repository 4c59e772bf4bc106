import { authErrors } from '../auth/index.ts'
import type { TenantTx } from '../tenancy/index.ts'
import { isPermitted, type Permission, type TenantRole, type TenantUser } from '../users/index.ts'
import { memberErrors } from './errors.ts'
import { hasOtherOwner } from './store.ts'

/** Who does something to whom, both read behind the lock of members. */
export interface Encounter {
  readonly actor: TenantUser
  readonly target: TenantUser
}

/** What becomes of the target; `gone` is its removal. */
export type Outcome = { readonly role: TenantRole; readonly isActive: boolean } | 'gone'

/**
 * Refuses what the actor may not do. The guard asked before; since then the actor may have lost the role.
 *
 * @throws authErrors.permissionDenied, memberErrors
 */
export async function requireAllowed(
  tx: TenantTx,
  { actor, target }: Encounter,
  permission: Permission,
  outcome: Outcome,
): Promise<void> {
  const isSelf = actor.id === target.id
  const isMadeOwner = outcome !== 'gone' && outcome.role === 'owner' && target.role !== 'owner'
  const mayAct = actor.isActive && isPermitted(actor.role, permission)
  // Leaving is everybody's right. Other changes of oneself need the permission too.
  if (!mayAct && !(isSelf && outcome === 'gone')) throw authErrors.permissionDenied()
  if (actor.role !== 'owner' && (target.role === 'owner' || isMadeOwner)) throw authErrors.permissionDenied()
  if (isMadeOwner) requireOwnable(target)
  const staysOwner = outcome !== 'gone' && outcome.role === 'owner' && outcome.isActive
  if (isActiveOwner(target) && !staysOwner && !(await hasOtherOwner(tx, target.id)))
    throw memberErrors.lastOwner()
}

/** Whoever owns an organization can be named in the core database, and can sign in. Throws memberErrors. */
export function requireOwnable(member: TenantUser): void {
  if (member.coreUserId === null) throw memberErrors.memberNotLinked()
  if (!member.isActive) throw memberErrors.memberInactive()
}

function isActiveOwner({ role, isActive }: TenantUser): boolean {
  return role === 'owner' && isActive
}
