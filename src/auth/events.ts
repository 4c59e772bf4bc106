import type { Id } from '../platform/index.ts'

/**
 * Why a session ended before its time: signed out, ended by its owner from a list, a refresh token of it came again, the
 * password is another one, or an operator disabled the account or took its administration away.
 */
export type SessionEnd = 'logout' | 'revoked' | 'reuse' | 'password' | 'operator'

interface OfUser {
  readonly userId: Id
  readonly scope: 'core' | 'tenant'
}

interface SessionOfUser {
  readonly userId: Id
  readonly sessionId: Id
  readonly scope: 'core' | 'tenant'
}

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
  /** Not of sessions that ran out: nothing happens at that moment. */
  'session.ended': SessionOfUser & { readonly reason: SessionEnd }
  /** Somebody else may hold tokens of this session, which was ended for it. */
  'session.reuse_detected': SessionOfUser
  'second_factor.enabled': OfUser
  'second_factor.disabled': OfUser
  'second_factor.recovery_codes_renewed': OfUser
  /** An administrator of the platform acts as a user from now on. */
  'impersonation.started': Impersonation & { readonly isReadOnly: boolean }
  /** Before its time. */
  'impersonation.ended': Impersonation & {
    readonly by: 'administrator' | 'organization' | 'policy'
  }
  /** Its authenticator counted less than before, so there may be two of it. It was refused. */
  'passkey.clone_suspected': OfUser & { readonly passkeyId: Id }
  'api_key.created': KeyEvent
  /** One by one; not with its maker. */
  'api_key.revoked': KeyEvent
  'tenant_user.registered': { readonly userId: Id; readonly email: string }
}

interface Impersonation {
  readonly impersonationId: Id
  /** The tenant user. */
  readonly userId: Id
  /** The core user. */
  readonly adminId: Id
}

/** Something that concerns one account, on the platform or in the organization that the event names. */
interface AccountEvent {
  readonly userId: Id
  readonly scope: 'core' | 'tenant'
}

/** Something that concerns a key of the organization that the event names. */
interface KeyEvent {
  readonly keyId: Id
  readonly by: Id
}
