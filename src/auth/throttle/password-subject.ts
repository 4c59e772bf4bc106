import type { Id } from '../../platform/index.ts'
import type { Realm } from '../sessions/realm.ts'
import type { Subject } from './throttle.ts'

/**
 * The codes of somebody's app. A reset of the password forgives none of it: who opens another one's mail would guess on
 * and on.
 */
export function codesSubject({ scope, db }: Realm, userId: Id): Subject {
  return { purpose: 'second-factor', tenantId: scope === 'tenant' ? db.tenantId : undefined, who: userId }
}

/** The password of a user, asked for once more of somebody who is signed in. */
export function passwordSubject({ scope, db }: Realm, userId: Id): Subject {
  return { purpose: 'password', tenantId: scope === 'tenant' ? db.tenantId : undefined, who: userId }
}
