import { type Repeats, recordAudit, recordAuditLast } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import type { Id } from '../../platform/index.ts'
import type { CoreDb, Tenancy, TenantDb } from '../../tenancy/index.ts'
import { canonicalEmail } from '../../users/index.ts'
import { endLinkedSessions } from '../accounts/linked-sessions.ts'
import {
  type Account,
  findAccount,
  findAccountByEmail,
  lockAccount,
  markVerified,
  setPassword,
} from '../accounts/store.ts'
import { byUser, passwordSet, proofFailed } from '../audit.ts'
import type { Letters } from '../emails/letters.ts'
import {
  linkedPasswordMessage,
  passwordChangedNotice,
  passwordResetMessage,
  ssoPasswordMessage,
} from '../emails/messages.ts'
import { authErrors } from '../errors.ts'
import type { AuthEvents } from '../events.ts'
import type { AccountPrincipal } from '../guards.ts'
import { dropTokens, findTokenUser, redeemToken } from '../one-time/store.ts'
import { PURPOSES } from '../one-time/tables.ts'
import { hashOneTimeToken } from '../one-time/token.ts'
import { realmOf } from '../realm.ts'
import { tellEnds } from '../sessions/endings.ts'
import type { Realm } from '../sessions/realm.ts'
import { needsSso, revokeSessionsOf } from '../sessions/store.ts'
import { passwordOf, subjectsOf } from '../throttle/subjects.ts'
import type { Throttle } from '../throttle/throttle.ts'
import { guessesFor } from './guesses.ts'
import { type PasswordHasher, requireGoodPassword } from './passwords.ts'

/** `tenant` absent means the platform itself. */
export interface PasswordService {
  /**
   * Mails a link to choose a new password, if there is such an account. It is looked up behind the answer, so that neither
   * what is answered nor when tells whether there is.
   *
   * @throws authErrors.mailOff, httpErrors.overloaded
   */
  forgot(email: string, tenant?: TenantDb): void
  /**
   * Gives the account of a link a new password, and ends all that was open.
   *
   * @throws authErrors.invalidLink; httpErrors.validationFailed, overloaded
   */
  reset(link: { readonly token: string; readonly password: string }, tenant?: TenantDb): Promise<void>
  /**
   * Changes a password, and ends every other session.
   *
   * @throws authErrors.linkedAccount, invalidCredentials; httpErrors.validationFailed, overloaded
   */
  change(who: AccountPrincipal, change: { readonly current: string; readonly next: string }): Promise<void>
  /** Ends the sessions that a core user has in organizations, because its password is the one for them too. */
  endLinkedSessions(coreUserId: Id): Promise<void>
}

export interface PasswordServiceOptions {
  readonly core: CoreDb
  readonly tenancy: Tenancy
  readonly passwords: PasswordHasher
  readonly throttle: Throttle
  readonly letters: Letters
  readonly events: Publisher<AuthEvents>
  readonly repeats: Repeats
}

/** Another process may have written the same password anew while it was checked. */
const CHANGE_TRIES = 3

export function createPasswordService(options: PasswordServiceOptions): PasswordService {
  const { core, letters } = options
  return {
    forgot: (email, tenant) => {
      const realm = realmOf(core, tenant)
      const address = canonicalEmail(email)
      letters.request('password-reset', address ?? '', async () => {
        const account = address === undefined ? undefined : await findAccountByEmail(realm.db, address)
        if (!account?.isActive) return undefined
        if (account.coreUserId !== null) return { to: account.email, message: linkedPasswordMessage }
        if (!(await mayHavePassword(realm, account)))
          return { to: account.email, message: ssoPasswordMessage }
        return letters.withLink(realm, account.id, 'password-reset', account.email, passwordResetMessage)
      })
    },
    reset: (link, tenant) => reset(options, realmOf(core, tenant), link),
    change: (who, change) =>
      options.throttle.guard(passwordOf(who), () => changePassword(options, who, change)),
    endLinkedSessions: async (coreUserId) => {
      await endLinkedSessions(options, coreUserId, 'password')
    },
  }
}

async function reset(
  { core, passwords, throttle, letters, events }: PasswordServiceOptions,
  realm: Realm,
  { token, password }: { readonly token: string; readonly password: string },
): Promise<void> {
  const hash = hashOneTimeToken(token)
  // Looked at before it is used up: a password that is refused leaves the link as it is, and a wrong link costs no hash.
  const userId = await findTokenUser(realm.db, hash, 'password-reset')
  const known = userId === undefined ? undefined : await findAccount(realm.db, userId)
  if (!known || !(await mayHavePassword(realm, known))) throw authErrors.invalidLink()
  requireGoodPassword(password, '/password', await guessesOf(core, realm, known))
  const passwordHash = await passwords.hash(password)

  const { account, ended } = await realm.db.transaction(async (tx) => {
    const redeemed = await redeemToken(tx, hash, 'password-reset')
    if (!redeemed || redeemed.email !== redeemed.account.email) throw authErrors.invalidLink()
    if (redeemed.account.coreUserId !== null) throw authErrors.invalidLink()
    const { id, emailVerifiedAt } = redeemed.account
    await setPassword(tx, id, passwordHash)
    // Who has the link reads what is sent to this address.
    if (emailVerifiedAt === null) {
      await markVerified(tx, id)
      await recordAudit(tx, byUser('email.verified', id))
    }
    const revoked = await revokeSessionsOf(tx, id)
    await dropTokens(tx, id, PURPOSES)
    await recordAuditLast(tx, passwordSet('password.reset', id, revoked.length))
    return { account: redeemed.account, ended: revoked }
  })
  await throttle.forgive(...subjectsOf(realm, account))
  publish(events, realm, 'password.reset', account.id)
  tellEnds(events, realm, account.id, ended, 'password')
  if (account.emailVerifiedAt === null) publish(events, realm, 'email.verified', account.id)
  letters.notify('password-changed', account.email, passwordChangedNotice())
}

/**
 * Whether a link may give somebody a password in an organization: not where the identity provider is the only way in, and not
 * to whom that made without one, because who leaves there must be gone here.
 */
async function mayHavePassword(realm: Realm, { id, passwordHash }: Account): Promise<boolean> {
  if (realm.scope === 'core') return true
  return passwordHash !== null && !(await needsSso(realm.db, id))
}

async function changePassword(
  { core, passwords, throttle, letters, events, repeats }: PasswordServiceOptions,
  who: AccountPrincipal,
  { current, next }: { readonly current: string; readonly next: string },
): Promise<void> {
  const realm = realmOf(core, who.scope === 'tenant' ? who.tenant : undefined)
  for (let tries = 1; tries <= CHANGE_TRIES; tries++) {
    const account = await findAccount(realm.db, who.user.id)
    if (account?.coreUserId) throw authErrors.linkedAccount()
    if (!account || !(await passwords.verify(current, account.passwordHash))) {
      const entry = proofFailed(who.user.id, 'password-change')
      repeats.note(realm.db, `password-change ${who.user.id}`, entry)
      throw authErrors.invalidCredentials({ detail: 'The current password is wrong.' })
    }
    requireGoodPassword(next, '/new_password', await guessesOf(core, realm, account))
    const passwordHash = await passwords.hash(next)
    const ended = await realm.db.transaction(async (tx) => {
      const locked = await lockAccount(tx, account.id)
      if (locked?.passwordHash !== account.passwordHash) return undefined
      await setPassword(tx, account.id, passwordHash)
      const revoked = await revokeSessionsOf(tx, account.id, who.sessionId)
      await dropTokens(tx, account.id, ['password-reset', 'email-change'])
      await recordAuditLast(tx, passwordSet('password.changed', account.id, revoked.length))
      return revoked
    })
    if (!ended) continue
    await throttle.forgive(...subjectsOf(realm, account))
    publish(events, realm, 'password.changed', account.id)
    tellEnds(events, realm, account.id, ended, 'password')
    return letters.notify('password-changed', account.email, passwordChangedNotice())
  }
  throw authErrors.invalidCredentials({ detail: 'The current password is wrong.' })
}

function guessesOf(core: CoreDb, realm: Realm, account: Account): Promise<readonly string[]> {
  return guessesFor(core, realm.scope === 'tenant' ? realm.db.tenantId : undefined, account)
}

function publish(
  events: Publisher<AuthEvents>,
  realm: Realm,
  name: 'password.changed' | 'password.reset' | 'email.verified',
  userId: Id,
): void {
  const tenantId = realm.scope === 'tenant' ? realm.db.tenantId : undefined
  events.publish(name, { userId, scope: realm.scope }, tenantId)
}
