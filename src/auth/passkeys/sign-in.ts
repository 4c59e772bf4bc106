import type { Repeats } from '../../audit/index.ts'
import type { AppError, Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { type Account, findAccount, findLinkedUser, isStillActive } from '../accounts/store.ts'
import { passkeyRefused } from '../audit.ts'
import { authErrors } from '../errors.ts'
import type { FactorOwner } from '../second-factor/owner.ts'
import { openSignIn } from '../sessions/open-sign-in.ts'
import type { Origin } from '../sessions/origin.ts'
import type { Realm } from '../sessions/realm.ts'
import type { Sessions, TokenPair } from '../sessions/sessions.ts'
import type { Assertions } from './assertions.ts'
import type { Assertion } from './types.ts'
import { userOfHandle } from './user-handle.ts'

/** Signing in with a passkey and nothing else. */
export interface PasskeySignIn {
  /** What any passkey of this domain is to sign. @throws passkeyErrors.passkeysOff */
  begin(realm: Realm): ReturnType<Assertions['askAnyone']>
  /**
   * Begins a session. All that is refused hears the same.
   *
   * @throws authErrors.invalidCredentials; passkeyErrors.passkeysOff
   */
  finish(realm: Realm, assertion: Assertion, origin: Origin): Promise<PasskeySession>
}

type PasskeySession = TokenPair & { readonly userId: Id; readonly sessionId: Id }

/** Somebody whom an authenticator named, in a realm. */
interface Holder {
  /** Whose passkeys count: of a linked user the platform's. */
  readonly owner: FactorOwner
  readonly userId: Id
  readonly coreUserId: Id | null
  readonly isActive: boolean
}

export function createPasskeySignIn(options: {
  readonly core: CoreDb
  readonly sessions: Sessions
  readonly assertions: Assertions
  readonly repeats: Repeats
}): PasskeySignIn {
  const { core, sessions, assertions, repeats } = options
  return {
    begin: ({ db }) => assertions.askAnyone({ db, purpose: 'sign-in' }),
    finish: async (realm, assertion, origin) => {
      const challenge = await assertions.take({ db: realm.db, purpose: 'sign-in' }, assertion)
      const holder = challenge === undefined ? undefined : await findHolder(core, realm, assertion)
      if (challenge === undefined || !holder) throw refused()
      const { owner, userId, isActive } = holder
      const methods = await assertions.check(owner, assertion, challenge)
      if (!methods || !isActive) {
        repeats.note(realm.db, `passkey sign-in ${userId}`, passkeyRefused(userId, isActive))
        throw refused()
      }
      const session = await openSignIn(core, realm, holder, isStillActive, (tx) =>
        sessions.open(tx, userId, origin, methods),
      )
      return { ...(await sessions.issue(realm, session)), userId, sessionId: session.sessionId }
    },
  }
}

/** The user of a realm whom an authenticator names: its own, or a platform user who is a member there. */
async function findHolder(
  core: CoreDb,
  realm: Realm,
  { userHandle }: Assertion,
): Promise<Holder | undefined> {
  const named = userHandle === undefined ? undefined : userOfHandle(userHandle)
  if (named === undefined) return undefined
  const own = await findAccount(realm.db, named)
  if (own) return own.coreUserId === null ? holderOf(own, { realm, userId: own.id }) : undefined
  if (realm.scope === 'core') return undefined
  const linkedId = await findLinkedUser(realm.db, named)
  if (linkedId === undefined) return undefined
  const [linked, platform] = [await findAccount(realm.db, linkedId), await findAccount(core, named)]
  if (!linked || !platform) return undefined
  const holder = holderOf(linked, { realm: { scope: 'core', db: core }, userId: platform.id })
  return { ...holder, isActive: holder.isActive && platform.isActive }
}

function holderOf({ id, coreUserId, isActive }: Account, owner: FactorOwner): Holder {
  return { owner, userId: id, coreUserId, isActive }
}

function refused(): AppError {
  return authErrors.invalidCredentials({ detail: 'The passkey was not accepted.' })
}
