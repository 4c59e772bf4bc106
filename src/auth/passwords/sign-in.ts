import { recordAuditLast } from '../../audit/index.ts'
import { httpErrors } from '../../http/index.ts'
import { AppError, type Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { isStillPassword, upgradeHash } from '../accounts/store.ts'
import { loggedIn } from '../audit.ts'
import { authErrors } from '../errors.ts'
import type { Origin } from '../sessions/origin.ts'
import type { Realm } from '../sessions/realm.ts'
import { FORGOTTEN_AT_SIGN_IN, type Sessions, type TokenPair } from '../sessions/sessions.ts'
import { forgetOldSessions, revokeSession } from '../sessions/store.ts'
import type { PasswordHasher } from './passwords.ts'
import { isOutdated } from './stored-hash.ts'

/** Somebody whose password was right a moment ago. */
export interface Checked {
  readonly userId: Id
  /** The core user whose password it is, if it is not the user's own. */
  readonly coreUserId: Id | null
  readonly password: string
  /** What it was checked against. */
  readonly passwordHash: string
  readonly origin: Origin
}

export interface SignInOptions {
  readonly core: CoreDb
  readonly sessions: Sessions
  readonly passwords: PasswordHasher
}

/**
 * Begins a session for somebody whose password was checked, and writes a hash of other parameters anew. A password that was
 * changed since the check lets nobody in, so that no session of it outlives the change that ended all of them.
 *
 * @throws authErrors.invalidCredentials
 */
export async function beginChecked(
  options: SignInOptions,
  realm: Realm,
  checked: Checked,
): Promise<TokenPair> {
  const { core, sessions } = options
  const { userId, coreUserId, passwordHash, origin } = checked
  const session = await realm.db.transaction(async (tx) => {
    if (coreUserId === null && !(await isStillPassword(tx, userId, passwordHash)))
      throw authErrors.invalidCredentials()
    await forgetOldSessions(tx, userId, FORGOTTEN_AT_SIGN_IN)
    const opened = await sessions.open(tx, userId, origin)
    await recordAuditLast(tx, loggedIn(userId, opened.sessionId))
    return opened
  })
  if (coreUserId !== null) {
    // Two databases: the session first, so that a change that comes later finds it.
    const isValid = await core.transaction((tx) => isStillPassword(tx, coreUserId, passwordHash))
    if (!isValid) {
      await revokeSession(realm.db, session.sessionId)
      throw authErrors.invalidCredentials()
    }
  }
  if (isOutdated(passwordHash)) await rehash(options, realm, checked)
  return await sessions.issue(realm, session)
}

async function rehash({ core, passwords }: SignInOptions, realm: Realm, checked: Checked): Promise<void> {
  const { userId, coreUserId, password, passwordHash } = checked
  try {
    const hash = await passwords.hash(password)
    await (coreUserId === null
      ? upgradeHash(realm.db, userId, passwordHash, hash)
      : upgradeHash(core, coreUserId, passwordHash, hash))
  } catch (error) {
    // There is a next sign-in.
    if (!(error instanceof AppError) || error.code !== httpErrors.overloaded.definition.code) throw error
  }
}
