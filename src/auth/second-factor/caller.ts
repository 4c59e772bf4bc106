import type { Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import type { AccountPrincipal } from '../guards.ts'
import { realmOf } from '../realm.ts'
import type { AnyExecutor } from '../sessions/store.ts'
import { secondFactorErrors } from './errors.ts'
import { type FactorOwner, ownerOf } from './owner.ts'

/** Somebody who is signed in and shows or changes a factor. */
export interface Caller {
  /** Whose factor counts. */
  readonly owner: FactorOwner
  /** The session that asks, in the database where it lies. */
  readonly session: { readonly db: AnyExecutor; readonly sessionId: Id; readonly userId: Id }
  /** Whether the factor is that of the platform account. */
  readonly isLinked: boolean
}

export function callerOf(principal: AccountPrincipal, core: CoreDb): Caller {
  const realm = realmOf(core, principal.scope === 'tenant' ? principal.tenant : undefined)
  const coreUserId = principal.scope === 'tenant' ? principal.user.coreUserId : null
  return {
    owner: ownerOf(core, realm, { id: principal.user.id, coreUserId }),
    session: { db: realm.db, sessionId: principal.sessionId, userId: principal.user.id },
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
