import { httpErrors } from '../../http/index.ts'
import { AppError } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { upgradeHash } from '../accounts/store.ts'
import type { SecondFactorSignIn } from '../second-factor/sign-in.ts'
import type { Origin } from '../sessions/origin.ts'
import type { Realm } from '../sessions/realm.ts'
import type { Sessions, TokenPair } from '../sessions/sessions.ts'
import { type KnownPassword, openForPassword } from './open-session.ts'
import type { PasswordHasher } from './passwords.ts'
import { isOutdated } from './stored-hash.ts'

/** Somebody whose password was right a moment ago. */
export interface Checked extends KnownPassword {
  readonly password: string
  readonly origin: Origin
}

export interface SignInOptions {
  readonly core: CoreDb
  readonly sessions: Sessions
  readonly passwords: PasswordHasher
  readonly secondFactor: SecondFactorSignIn
}

/**
 * Begins a session for somebody whose password was checked, if that is enough, and writes a hash of other parameters anew.
 *
 * @throws authErrors.invalidCredentials, secondFactorErrors.mfaChallenge
 */
export async function beginChecked(
  options: SignInOptions,
  realm: Realm,
  checked: Checked,
): Promise<TokenPair> {
  const { core, sessions, secondFactor } = options
  const methods = await secondFactor.methodsOf(realm, checked)
  if (methods.length > 0) {
    // First, because a challenge is bound to the hash.
    const passwordHash = await upToDate(options, realm, checked)
    throw await secondFactor.challenge(realm, { ...checked, passwordHash }, methods)
  }
  const session = await openForPassword(core, realm, checked, (tx) =>
    sessions.open(tx, checked.userId, checked.origin),
  )
  await upToDate(options, realm, checked)
  return await sessions.issue(realm, session)
}

/** Writes a hash of other parameters anew, and gives the one that is stored now, as far as it knows. */
async function upToDate({ core, passwords }: SignInOptions, realm: Realm, checked: Checked): Promise<string> {
  const { userId, coreUserId, password, passwordHash } = checked
  if (!isOutdated(passwordHash)) return passwordHash
  try {
    const hash = await passwords.hash(password)
    const isWritten = await (coreUserId === null
      ? upgradeHash(realm.db, userId, passwordHash, hash)
      : upgradeHash(core, coreUserId, passwordHash, hash))
    return isWritten ? hash : passwordHash
  } catch (error) {
    // There is a next sign-in.
    if (!(error instanceof AppError) || error.code !== httpErrors.overloaded.definition.code) throw error
    return passwordHash
  }
}
