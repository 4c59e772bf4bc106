import { type Repeats, recordAuditLast } from '../audit/index.ts'
import type { Publisher } from '../events/index.ts'
import { httpErrors } from '../http/index.ts'
import { admitNewMember, isSsoOnlyIn } from '../organizations/index.ts'
import { type AppError, type Id, newId } from '../platform/index.ts'
import type { CoreDb, TenantDb } from '../tenancy/index.ts'
import {
  type CoreUser,
  canonicalEmail,
  findCoreUser,
  findCoreUserByEmail,
  findTenantUserByEmail,
  insertCoreUser,
  insertTenantUser,
  type TenantUser,
  type TenantUserRow,
} from '../users/index.ts'
import { findSessionStart } from './accounts/store.ts'
import { byUser, loginFailed } from './audit.ts'
import { authErrors } from './errors.ts'
import type { AuthEvents } from './events.ts'
import { mayExchangedGoOn } from './exchange/session.ts'
import type { PasskeySignIn } from './passkeys/sign-in.ts'
import type { Assertion } from './passkeys/types.ts'
import { guessesFor } from './passwords/guesses.ts'
import { type PasswordHasher, requireGoodPassword } from './passwords/passwords.ts'
import { beginChecked } from './passwords/sign-in.ts'
import { realmOf } from './realm.ts'
import type { Proof } from './second-factor/proof.ts'
import type { SecondFactorSignIn } from './second-factor/sign-in.ts'
import { forgetSecondFactor, hasFactor } from './second-factor/store.ts'
import type { Origin } from './sessions/origin.ts'
import type { Realm } from './sessions/realm.ts'
import type { Sessions, TokenPair } from './sessions/sessions.ts'
import { needsSso } from './sessions/store.ts'
import { type Found, findCorePrincipal, findTenantPrincipal } from './store.ts'
import type { Throttle } from './throttle/throttle.ts'

/** A person who just signed in, and with what to go on. */
export type SignedIn = { readonly tokens: TokenPair } & (
  | { readonly scope: 'core'; readonly user: CoreUser }
  | { readonly scope: 'tenant'; readonly user: TenantUser; readonly tenant: TenantDb }
)

export interface Registration {
  readonly email: string
  readonly password: string
  readonly fullName: string | null
}

/** What ends a sign-in that a second factor was asked for. */
export interface SecondFactorAnswer {
  readonly mfaToken: string
  readonly proof: Proof
}

/** `tenant` absent means the platform itself; `origin` is where the person is, shown in the list of sessions. */
export interface AuthService {
  /** @throws httpErrors.validationFailed, overloaded; userErrors.emailTaken; policyErrors in a tenant */
  register(registration: Registration, origin: Origin, tenant?: TenantDb): Promise<SignedIn>
  /**
   * The same answer, in the same time, for an unknown address, a wrong password and a disabled account.
   *
   * @throws authErrors.invalidCredentials, secondFactorErrors.mfaChallenge; httpErrors.overloaded, and rateLimited where
   *   too many guessed a platform's password in organizations
   * @param refusal thrown for those alone whose password was right
   */
  login(
    credentials: { email: string; password: string },
    origin: Origin,
    tenant?: TenantDb,
    refusal?: AppError,
  ): Promise<SignedIn>
  /**
   * Ends a sign-in that a second factor was asked for.
   *
   * @throws authErrors.invalidToken, invalidCredentials; httpErrors.rateLimited
   */
  verify(answer: SecondFactorAnswer, origin: Origin, tenant?: TenantDb): Promise<SignedIn>
  /**
   * Signs in with a passkey and nothing else.
   *
   * @throws authErrors.invalidCredentials; passkeyErrors.passkeysOff
   */
  loginWithPasskey(assertion: Assertion, origin: Origin, tenant?: TenantDb): Promise<SignedIn>
  /** @throws authErrors.invalidToken */
  refresh(refreshToken: string, origin: Origin, tenant?: TenantDb): Promise<SignedIn>
}

export interface AuthServiceOptions {
  readonly core: CoreDb
  readonly sessions: Sessions
  readonly passwords: PasswordHasher
  readonly secondFactor: SecondFactorSignIn
  readonly passkeySignIn: PasskeySignIn
  readonly throttle: Pick<Throttle, 'guard'>
  readonly events: Publisher<AuthEvents>
  /** Where sign-ins are noted that failed. */
  readonly repeats: Repeats
}

export function createAuthService(options: AuthServiceOptions): AuthService {
  const { core, sessions, passwords, throttle, events, repeats } = options
  return {
    register: async (registration, origin, tenant) => {
      const { email, passwordHash } = await prepare(options, registration, tenant?.tenantId)
      const fresh = { id: newId(), email, passwordHash, fullName: registration.fullName }
      if (!tenant) {
        const { user, session } = await core.transaction(async (tx) => {
          const inserted = await insertCoreUser(tx, fresh)
          const opened = await sessions.open(tx, inserted.id, origin)
          await recordAuditLast(tx, byUser('user.registered', inserted.id))
          return { user: inserted, session: opened }
        })
        events.publish('user.registered', { userId: user.id, email })
        return { scope: 'core', user, tokens: await sessions.issue(realmOf(core), session) }
      }
      const { user, session } = await tenant.transaction(async (tx) => {
        await admitNewMember(tx, 'registration', email)
        const inserted = await insertTenantUser(tx, fresh)
        const opened = await sessions.open(tx, inserted.id, origin)
        await recordAuditLast(tx, byUser('user.registered', inserted.id))
        return { user: inserted, session: opened }
      })
      events.publish('tenant_user.registered', { userId: user.id, email }, tenant.tenantId)
      return { scope: 'tenant', user, tenant, tokens: await sessions.issue(realmOf(core, tenant), session) }
    },

    login: async ({ email, password }, origin, tenant, refusal) => {
      const address = canonicalEmail(email) ?? ''
      const found = tenant
        ? await findTenantAccount(core, tenant, address)
        : await findCoreUserByEmail(core, address)
      const coreUserId = found && 'coreUserId' in found ? found.coreUserId : null
      const signIn = async (): Promise<SignedIn> => {
        const isRight = await passwords.verify(password, found?.passwordHash)
        if (!found?.isActive || !isRight || !found.passwordHash) {
          if (found) noteFailure(repeats, realmOf(core, tenant), found)
          throw authErrors.invalidCredentials()
        }
        if (refusal) throw refusal
        const { passwordHash, ...user } = found
        const checked = { userId: user.id, coreUserId, password, passwordHash, origin }
        const tokens = await beginChecked(options, realmOf(core, tenant), checked)
        const scope = tenant ? 'tenant' : 'core'
        events.publish('user.logged_in', { userId: user.id, scope }, tenant?.tenantId)
        return present(user, tokens, tenant)
      }
      // Each organization counts for itself; one password must not be guessed in each of a thousand.
      return await (coreUserId === null
        ? signIn()
        : throttle.guard({ purpose: 'linked', who: coreUserId }, signIn))
    },

    refresh: (refreshToken, origin, tenant) => refresh(options, refreshToken, origin, tenant),
    verify: (answer, origin, tenant) => verify(options, answer, origin, tenant),
    loginWithPasskey: (assertion, origin, tenant) => loginWithPasskey(options, assertion, origin, tenant),
  }
}

function noteFailure(repeats: Repeats, { scope, db }: Realm, account: { id: Id; isActive: boolean }): void {
  const { id, isActive } = account
  const realm = scope === 'tenant' ? db.tenantId : scope
  repeats.note(db, `login ${realm} ${id}`, loginFailed(id, isActive))
}

async function refresh(
  { core, sessions }: AuthServiceOptions,
  refreshToken: string,
  origin: Origin,
  tenant?: TenantDb,
): Promise<SignedIn> {
  const refreshed = await sessions.refresh(realmOf(core, tenant), refreshToken, origin)
  const { userId, sessionId, amr, ...tokens } = refreshed
  const found = await findPrincipal(core, tenant, sessionId, userId)
  if (!found || !(await mayGoOn(core, found.user, sessionId, tenant))) throw authErrors.invalidToken()
  // What began with a password ends here, where the organization wants that no more.
  if (tenant && !amr.includes('sso') && (await needsSso(tenant, userId))) throw authErrors.invalidToken()
  return present(found.user, tokens, tenant)
}

async function verify(
  options: AuthServiceOptions,
  { mfaToken, proof }: SecondFactorAnswer,
  origin: Origin,
  tenant?: TenantDb,
): Promise<SignedIn> {
  const realm: Realm = tenant ? { scope: 'tenant', db: tenant } : { scope: 'core', db: options.core }
  return await arrive(options, await options.secondFactor.answer(realm, mfaToken, proof, origin), tenant)
}

async function loginWithPasskey(
  options: AuthServiceOptions,
  assertion: Assertion,
  origin: Origin,
  tenant?: TenantDb,
): Promise<SignedIn> {
  const realm: Realm = tenant ? { scope: 'tenant', db: tenant } : { scope: 'core', db: options.core }
  return await arrive(options, await options.passkeySignIn.finish(realm, assertion, origin), tenant)
}

/** Tells of a session that was just opened, and gives whose it is. */
async function arrive(
  { core, events }: AuthServiceOptions,
  { userId, sessionId, ...tokens }: TokenPair & { readonly userId: Id; readonly sessionId: Id },
  tenant?: TenantDb,
): Promise<SignedIn> {
  const found = await findPrincipal(core, tenant, sessionId, userId)
  if (!found) throw authErrors.invalidToken()
  events.publish('user.logged_in', { userId, scope: tenant ? 'tenant' : 'core' }, tenant?.tenantId)
  return present(found.user, tokens, tenant)
}

async function prepare(
  { core, passwords }: AuthServiceOptions,
  { email, password, fullName }: Registration,
  tenantId: Id | undefined,
) {
  const canonical = canonicalEmail(email)
  if (canonical === undefined) {
    const detail = 'This is not an e-mail address that can be registered.'
    throw httpErrors.validationFailed({ detail, errors: [{ pointer: '/email', code: 'invalid-format' }] })
  }
  const guesses = await guessesFor(core, tenantId, { email: canonical, fullName })
  requireGoodPassword(password, '/password', guesses)
  return { email: canonical, passwordHash: await passwords.hash(password) }
}

/**
 * A tenant's user with the hash that counts: a linked user signs in with its core password, while its core account may. None
 * counts where the organization wants its identity provider: that takes the time of a wrong password, however right it is.
 */
async function findTenantAccount(
  core: CoreDb,
  tenant: TenantDb,
  email: string,
): Promise<TenantUserRow | undefined> {
  const [user, isSsoOnly] = await Promise.all([findTenantUserByEmail(tenant, email), isSsoOnlyIn(tenant)])
  const linked = user?.coreUserId ? await findCoreUser(core, user.coreUserId) : undefined
  if (!user || (user.coreUserId && !linked)) return undefined
  const { passwordHash } = linked ?? user
  const isShut = isSsoOnly && user.role !== 'owner'
  const isActive = user.isActive && (linked?.isActive ?? true)
  return { ...user, isActive, passwordHash: isShut ? null : passwordHash }
}

/**
 * A linked user goes on only while its core account may be used, with a session of the password that it has now, and
 * while the core session goes on that it came with.
 */
async function mayGoOn(
  core: CoreDb,
  user: CoreUser | TenantUser,
  sessionId: Id,
  tenant?: TenantDb,
): Promise<boolean> {
  if (!tenant || !('coreUserId' in user) || user.coreUserId === null) return true
  const linked = await findCoreUser(core, user.coreUserId)
  if (!linked?.isActive) return false
  if (!(await mayExchangedGoOn(core, tenant, sessionId))) return false
  // What its organization may ask for: by the token that is answered it counts again.
  if (!(await hasFactor(core, linked.id))) await forgetSecondFactor(tenant, sessionId)
  if (linked.passwordChangedAt === null) return true
  const began = await findSessionStart(tenant, sessionId)
  return began !== undefined && began > linked.passwordChangedAt
}

async function findPrincipal(
  core: CoreDb,
  tenant: TenantDb | undefined,
  sessionId: Id,
  userId: Id,
): Promise<Found<CoreUser | TenantUser> | undefined> {
  return tenant
    ? await findTenantPrincipal(tenant, sessionId, userId)
    : await findCorePrincipal(core, sessionId, userId)
}

function present(user: CoreUser | TenantUser, tokens: TokenPair, tenant?: TenantDb): SignedIn {
  return tenant
    ? { scope: 'tenant', user: user as TenantUser, tenant, tokens }
    : { scope: 'core', user: user as CoreUser, tokens }
}
