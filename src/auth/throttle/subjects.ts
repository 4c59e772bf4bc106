import type { Account } from '../accounts/store.ts'
import type { AccountPrincipal } from '../guards.ts'
import type { Realm } from '../sessions/realm.ts'
import { passwordSubject } from './password-subject.ts'
import type { Subject } from './throttle.ts'

/** The password of somebody who is signed in, asked for once more; of a linked user the platform's. */
export function passwordOf(who: AccountPrincipal): Subject {
  if (who.scope === 'tenant' && who.user.coreUserId !== null)
    return { purpose: 'password', who: who.user.coreUserId }
  const tenantId = who.scope === 'tenant' ? who.tenant.tenantId : undefined
  return { purpose: 'password', tenantId, who: who.user.id }
}

/** All that is counted for an account. */
export function subjectsOf(realm: Realm, { id, email }: Account): readonly Subject[] {
  const tenantId = realm.scope === 'tenant' ? realm.db.tenantId : undefined
  return [
    { purpose: 'sign-in', tenantId, who: email },
    passwordSubject(realm, id),
    ...(realm.scope === 'core' ? [{ purpose: 'linked', who: id } as const] : []),
  ]
}
