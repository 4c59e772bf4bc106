import type { Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import type { Realm } from '../sessions/realm.ts'

/** Whose factor counts, and where it lies. */
export interface FactorOwner {
  readonly realm: Realm
  readonly userId: Id
}

/** A linked user signs in with its core account's password, and so with that account's factor too. */
export function ownerOf(
  core: CoreDb,
  realm: Realm,
  user: { readonly id: Id; readonly coreUserId?: Id | null },
): FactorOwner {
  return user.coreUserId
    ? { realm: { scope: 'core', db: core }, userId: user.coreUserId }
    : { realm, userId: user.id }
}

/** What a secret is sealed for: nobody else's, and nowhere else. */
export function sealContext({ realm, userId }: FactorOwner): string {
  return `second factor of ${realm.scope === 'core' ? 'core' : `tenant ${realm.db.tenantId}`} user ${userId}`
}
