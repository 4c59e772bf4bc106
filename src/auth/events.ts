import type { Id } from '../platform/index.ts'

/** What this feature tells of. */
export interface AuthEvents {
  'user.registered': { readonly userId: Id; readonly email: string }
  'user.logged_in': { readonly userId: Id; readonly scope: 'core' | 'tenant' }
  /** By its holder, who knew the one before. */
  'password.changed': AccountEvent
  /** By a link that was mailed. */
  'password.reset': AccountEvent
  'email.verified': AccountEvent
  'email.changed': AccountEvent
  'tenant_user.registered': { readonly userId: Id; readonly email: string }
}

/** Something that concerns one account, on the platform or in the organization that the event names. */
interface AccountEvent {
  readonly userId: Id
  readonly scope: 'core' | 'tenant'
}
