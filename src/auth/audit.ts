import { type AuditEntry, auditCatalogue, type Target } from '../audit/index.ts'
import type { Id } from '../platform/index.ts'
import type { SessionEnd } from './events.ts'
import type { FactorKind } from './second-factor/tables.ts'
import type { Amr } from './sessions/tables.ts'

export type SignInMethod =
  | 'password'
  | 'password-otp'
  | 'password-recovery-code'
  | 'password-passkey'
  | 'passkey'
  | 'sso'
  | 'exchange'

/** What this feature records, in the database in which it happens, and the details that may be said of it. */
export const authAudit = auditCatalogue({
  'user.registered': {},
  'user.logged_in': { method: 'word' },
  /** The first of a minute, and then the 10th, the 100th and so on, counted by each process. */
  'user.login_failed': { attempts: 'number', reason: 'word' },
  /** By whoever holds a session, and as often as `user.login_failed`: the current password was wrong. */
  'user.proof_failed': { attempts: 'number', purpose: 'word' },
  'session.ended': { reason: 'word', sessions: 'number' },
  'session.reuse_detected': {},
  /** Somebody who has a session and could not prove whose it is. As often as `user.login_failed`. */
  'session.step_up_failed': { attempts: 'number' },
  'password.changed': { sessions_ended: 'number' },
  'password.reset': { sessions_ended: 'number' },
  'email.verified': {},
  'email.changed': {},
  'second_factor.enabled': { kind: 'word' },
  'second_factor.disabled': { kind: 'word' },
  'second_factor.recovery_codes_renewed': {},
  'passkey.renamed': {},
  /** As often as `user.login_failed`. */
  'passkey.clone_suspected': { attempts: 'number' },
  'api_key.created': { scopes: 'words', days: 'number' },
  'api_key.renamed': {},
  'api_key.revoked': {},
  /** Somebody showed a key that there is and that is not good; recorded like `user.login_failed`. */
  'api_key.refused': { attempts: 'number', reason: 'word' },
  'key.rotated': { audience: 'word', at_once: 'flag' },
  'key.revoked': { audience: 'word' },
})

/** What a user did to the own account. */
export function byUser(
  action: 'user.registered' | 'email.verified' | 'email.changed' | 'second_factor.recovery_codes_renewed',
  id: Id,
): AuditEntry {
  return authAudit(action, { actor: { kind: 'user', id }, target: { kind: 'user', id } })
}

/** @param sessionsEnded how many sessions it ended */
export function passwordSet(
  action: 'password.changed' | 'password.reset',
  id: Id,
  sessionsEnded: number,
): AuditEntry {
  const who = { actor: { kind: 'user', id }, target: { kind: 'user', id } } as const
  return authAudit(action, { ...who, details: { sessions_ended: sessionsEnded } })
}

/** @param target the session, or the user whose sessions they were */
export function sessionsEnded(
  userId: Id,
  target: Target,
  reason: SessionEnd | 'crowded' | 'refused',
  sessions: number,
): AuditEntry {
  const actor =
    reason === 'operator' ? ({ kind: 'operator' } as const) : ({ kind: 'user', id: userId } as const)
  return authAudit('session.ended', { actor, target, details: { reason, sessions } })
}

/** A sign-in, which is a new session, and how it came about. */
export function loggedIn(userId: Id, sessionId: Id, method: SignInMethod): AuditEntry {
  return authAudit('user.logged_in', {
    actor: { kind: 'user', id: userId },
    target: { kind: 'session', id: sessionId },
    details: { method },
  })
}

/** How somebody signed in, of what the session says that was shown; not for an exchange, which passes that on. */
export function signInMethodOf(amr: readonly Amr[]): SignInMethod {
  if (amr.includes('sso')) return 'sso'
  if (!amr.includes('pwd')) return 'passkey'
  if (amr.includes('otp')) return 'password-otp'
  if (amr.includes('rcv')) return 'password-recovery-code'
  return amr.includes('user') ? 'password-passkey' : 'password'
}

/** What a user called a passkey is nobody's business. */
export function passkeyRenamed(userId: Id, passkeyId: Id): AuditEntry {
  const target = { kind: 'passkey', id: passkeyId }
  return authAudit('passkey.renamed', { actor: { kind: 'user', id: userId }, target })
}

/** What a user did to the own second factor. */
export function secondFactorSet(
  action: 'second_factor.enabled' | 'second_factor.disabled',
  id: Id,
  kind: FactorKind,
): AuditEntry {
  const who = { actor: { kind: 'user', id }, target: { kind: 'user', id } } as const
  return authAudit(action, { ...who, details: { kind } })
}

/** Who knew a password and no code of the second factor. */
export function secondFactorFailed(userId: Id): (attempts: number) => AuditEntry {
  return failedFor(userId, 'second-factor')
}

/** Somebody signed in who was to say the current password, and did not. */
export function proofFailed(
  userId: Id,
  purpose: 'password-change' | 'email-change',
): (attempts: number) => AuditEntry {
  return (attempts) =>
    authAudit('user.proof_failed', {
      actor: { kind: 'user', id: userId },
      target: { kind: 'user', id: userId },
      outcome: 'failure',
      details: { attempts, purpose },
    })
}

/** Who is signed in and did not know what its user knows. */
export function stepUpFailed(sessionId: Id): (attempts: number) => AuditEntry {
  return (attempts) =>
    authAudit('session.step_up_failed', {
      actor: { kind: 'user' },
      target: { kind: 'session', id: sessionId },
      outcome: 'failure',
      details: { attempts },
    })
}

/** A sign-in that was refused, to somebody who may be anybody. */
export function loginFailed(userId: Id, isActive: boolean): (attempts: number) => AuditEntry {
  return failedFor(userId, isActive ? 'credentials' : 'disabled')
}

/** A passkey that was refused, of somebody who may be anybody. */
export function passkeyRefused(userId: Id, isActive: boolean): (attempts: number) => AuditEntry {
  return failedFor(userId, isActive ? 'passkey' : 'disabled')
}

/** A passkey that was refused because another one like it was used more often. */
export function passkeyCloneSuspected(userId: Id, passkeyId: Id): (attempts: number) => AuditEntry {
  return (attempts) =>
    authAudit('passkey.clone_suspected', {
      actor: { kind: 'user', id: userId },
      target: { kind: 'passkey', id: passkeyId },
      outcome: 'failure',
      details: { attempts },
    })
}

function failedFor(userId: Id, reason: string): (attempts: number) => AuditEntry {
  return (attempts) =>
    authAudit('user.login_failed', {
      actor: { kind: 'user' },
      target: { kind: 'user', id: userId },
      outcome: 'failure',
      details: { attempts, reason },
    })
}

/** Who showed a key that is not good, or knew its id and not its secret. */
export function keyRefused(keyId: Id, reason: string): (attempts: number) => AuditEntry {
  return (attempts) =>
    authAudit('api_key.refused', {
      actor: { kind: 'api_key' },
      target: { kind: 'api_key', id: keyId },
      outcome: 'failure',
      details: { attempts, reason },
    })
}

/** What one member did to a key. */
export function byKeyManager(
  action: 'api_key.created' | 'api_key.renamed' | 'api_key.revoked',
  userId: Id,
  keyId: Id,
  details: { readonly scopes?: readonly string[]; readonly days?: number } = {},
): AuditEntry {
  const who = { actor: { kind: 'user', id: userId }, target: { kind: 'api_key', id: keyId } } as const
  return action === 'api_key.created' ? authAudit(action, { ...who, details }) : authAudit(action, who)
}
