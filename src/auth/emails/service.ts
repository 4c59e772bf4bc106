import { type Repeats, recordAuditLast } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { httpErrors } from '../../http/index.ts'
import type { Id } from '../../platform/index.ts'
import type { CoreDb, TenantDb } from '../../tenancy/index.ts'
import { canonicalEmail, findCoreUser } from '../../users/index.ts'
import { type Account, findAccount, findAccountByEmail, markVerified, setEmail } from '../accounts/store.ts'
import { byUser, proofFailed } from '../audit.ts'
import { authErrors } from '../errors.ts'
import type { AuthEvents } from '../events.ts'
import type { AccountPrincipal } from '../guards.ts'
import { dropTokens, redeemToken } from '../one-time/store.ts'
import { PURPOSES } from '../one-time/tables.ts'
import { hashOneTimeToken } from '../one-time/token.ts'
import type { PasswordHasher } from '../passwords/passwords.ts'
import { realmOf } from '../realm.ts'
import type { Realm } from '../sessions/realm.ts'
import { passwordOf } from '../throttle/subjects.ts'
import type { Throttle } from '../throttle/throttle.ts'
import type { Letters } from './letters.ts'
import {
  emailChangedNotice,
  emailChangeMessage,
  emailChangeNotice,
  emailTakenMessage,
  reuseNotice,
  verificationMessage,
} from './messages.ts'

/** `tenant` absent means the platform itself. */
export interface EmailService {
  /** Mails the first link to somebody who just registered, where there is mail. */
  greet(userId: Id, tenant?: TenantDb): void
  /** Tells somebody that a session was ended because a refresh token of it came again, where there is mail. */
  tellOfReuse(userId: Id, tenant?: TenantDb): void
  /**
   * Mails another link to confirm an address, unless it is confirmed.
   *
   * @throws authErrors.mailOff, httpErrors.overloaded
   */
  requestVerification(who: AccountPrincipal): void
  /** @throws authErrors.invalidLink */
  verify(token: string, tenant?: TenantDb): Promise<void>
  /**
   * Mails a link to a new address, and a notice to the old one. Whether the new one is taken is told to its reader alone.
   *
   * @throws authErrors.mailOff, invalidCredentials; httpErrors.validationFailed, overloaded
   */
  requestChange(who: AccountPrincipal, change: { email: string; password: string }): Promise<void>
  /** @throws authErrors.invalidLink, userErrors.emailTaken */
  confirmChange(token: string, tenant?: TenantDb): Promise<void>
}

export interface EmailServiceOptions {
  readonly core: CoreDb
  readonly passwords: PasswordHasher
  readonly throttle: Throttle
  readonly letters: Letters
  readonly events: Publisher<AuthEvents>
  readonly repeats: Repeats
}

export function createEmailService(options: EmailServiceOptions): EmailService {
  const { core, letters } = options
  const verification = (realm: Realm, userId: Id) => async () => {
    const account = await findAccount(realm.db, userId)
    if (!account?.isActive || account.emailVerifiedAt !== null) return undefined
    return letters.withLink(realm, userId, 'email-verification', account.email, verificationMessage)
  }
  return {
    greet: (userId, tenant) =>
      letters.offer('email-verification', userId, verification(realmOf(core, tenant), userId)),
    tellOfReuse: (userId, tenant) =>
      letters.offer('session-reuse', userId, async () => {
        const account = await findAccount(realmOf(core, tenant).db, userId)
        return account?.isActive ? { to: account.email, message: reuseNotice } : undefined
      }),
    requestVerification: (who) =>
      letters.request(
        'email-verification',
        who.user.id,
        verification(realmOfPrincipal(core, who), who.user.id),
      ),
    verify: (token, tenant) => verify(options, realmOf(core, tenant), token),
    requestChange: (who, change) => requestChange(options, who, change),
    confirmChange: (token, tenant) => confirmChange(options, realmOf(core, tenant), token),
  }
}

async function verify({ events }: EmailServiceOptions, realm: Realm, token: string): Promise<void> {
  const userId = await realm.db.transaction(async (tx) => {
    const redeemed = await redeemToken(tx, hashOneTimeToken(token), 'email-verification')
    if (!redeemed || redeemed.email !== redeemed.account.email) throw authErrors.invalidLink()
    await markVerified(tx, redeemed.account.id)
    await recordAuditLast(tx, byUser('email.verified', redeemed.account.id))
    return redeemed.account.id
  })
  publish(events, realm, 'email.verified', userId)
}

async function requestChange(
  options: EmailServiceOptions,
  who: AccountPrincipal,
  { email, password }: { email: string; password: string },
): Promise<void> {
  const { core, letters } = options
  letters.requireMail()
  const to = canonicalEmail(email)
  if (to === undefined) throw refusal('invalid-format')
  if (to === who.user.email) throw refusal('unchanged')
  const realm = realmOfPrincipal(core, who)
  const account = await options.throttle.guard(passwordOf(who), () =>
    requirePassword(options, realm, who.user.id, password),
  )
  letters.request('email-change', account.id, async () => {
    const now = await findAccount(realm.db, account.id)
    // A password that was changed meanwhile may have been changed because somebody else knew it.
    if (!now?.isActive || now.passwordHash !== account.passwordHash) return undefined
    if (await findAccountByEmail(realm.db, to)) return { to, message: emailTakenMessage }
    return letters.withLink(realm, account.id, 'email-change', to, emailChangeMessage)
  })
  letters.notify('email-change-notice', account.email, emailChangeNotice())
}

async function confirmChange(
  { letters, events }: EmailServiceOptions,
  realm: Realm,
  token: string,
): Promise<void> {
  const before = await realm.db.transaction(async (tx) => {
    const redeemed = await redeemToken(tx, hashOneTimeToken(token), 'email-change')
    if (!redeemed) throw authErrors.invalidLink()
    await setEmail(tx, redeemed.account.id, redeemed.email)
    // Those for the old address lie in a mailbox that does not count any more.
    await dropTokens(tx, redeemed.account.id, PURPOSES)
    await recordAuditLast(tx, byUser('email.changed', redeemed.account.id))
    return redeemed.account
  })
  publish(events, realm, 'email.changed', before.id)
  letters.notify('email-changed', before.email, emailChangedNotice())
}

/** @throws authErrors.invalidCredentials; a linked user has the password of its core user */
async function requirePassword(
  { core, passwords, repeats }: EmailServiceOptions,
  realm: Realm,
  userId: Id,
  password: string,
): Promise<Account> {
  const account = await findAccount(realm.db, userId)
  const linked = account?.coreUserId ? await findCoreUser(core, account.coreUserId) : undefined
  const isRight = await passwords.verify(password, linked?.passwordHash ?? account?.passwordHash)
  if (!account || !isRight) {
    repeats.note(realm.db, `email-change ${userId}`, proofFailed(userId, 'email-change'))
    throw authErrors.invalidCredentials({ detail: 'The current password is wrong.' })
  }
  return account
}

function realmOfPrincipal(core: CoreDb, who: AccountPrincipal): Realm {
  return realmOf(core, who.scope === 'tenant' ? who.tenant : undefined)
}

function refusal(code: 'invalid-format' | 'unchanged') {
  const detail = 'This is not an e-mail address that the account can be given.'
  return httpErrors.validationFailed({ detail, errors: [{ pointer: '/email', code }] })
}

function publish(
  events: Publisher<AuthEvents>,
  realm: Realm,
  name: 'email.verified' | 'email.changed',
  userId: Id,
): void {
  const tenantId = realm.scope === 'tenant' ? realm.db.tenantId : undefined
  events.publish(name, { userId, scope: realm.scope }, tenantId)
}
