import { policyErrors } from '../../organizations/index.ts'
import type { Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import type { AccountPrincipal } from '../guards.ts'
import { realmOf } from '../realm.ts'
import { type AnyExecutor, needsSso } from '../sessions/store.ts'
import { secondFactorErrors } from './errors.ts'
import { type FactorOwner, ownerOf } from './owner.ts'

/** Somebody who is signed in and shows or changes a factor. */
export interface Caller {
  /** Whose factor counts. */
  readonly owner: FactorOwner
  /** The session that asks, in the database where it lies. */
  readonly session: { readonly db: AnyExecutor; readonly sessionId: Id }
  /** Whether the factor is that of the platform account. */
  readonly isLinked: boolean
}

export function callerOf(principal: AccountPrincipal, core: CoreDb): Caller {
  const realm = realmOf(core, principal.scope === 'tenant' ? principal.tenant : undefined)
  const coreUserId = principal.scope === 'tenant' ? principal.user.coreUserId : null
  return {
    owner: ownerOf(core, realm, { id: principal.user.id, coreUserId }),
    session: { db: realm.db, sessionId: principal.sessionId },
    isLinked: coreUserId !== null,
  }
}

/**
 * Whose factor somebody may change: a tenant's token is not to change the core account.
 *
 * @throws secondFactorErrors.secondFactorElsewhere
 */
export function ownOwner(principal: AccountPrincipal, core: CoreDb): FactorOwner {
  const { owner, isLinked } = callerOf(principal, core)
  if (isLinked) throw secondFactorErrors.secondFactorElsewhere()
  return owner
}

/**
 * Refuses a password as a proof where none lets its user in: who may sign in through the organization's identity provider
 * alone signs in there anew.
 *
 * @throws policyErrors.ssoRequired
 */
export async function requirePasswordCounts(principal: AccountPrincipal): Promise<void> {
  if (principal.scope !== 'tenant' || !(await needsSso(principal.tenant, principal.user.id))) return
  const detail = 'No password counts here. Show a second factor, or sign in anew, with "reauthenticate".'
  throw policyErrors.ssoRequired({ detail })
}
