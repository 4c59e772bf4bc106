import type { Repeats } from '../../audit/index.ts'
import { AppError, type Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { type Account, findAccount } from '../accounts/store.ts'
import { secondFactorFailed } from '../audit.ts'
import { authErrors } from '../errors.ts'
import { type KnownPassword, openForPassword } from '../passwords/open-session.ts'
import type { Origin } from '../sessions/origin.ts'
import type { Realm } from '../sessions/realm.ts'
import type { Sessions, TokenPair } from '../sessions/sessions.ts'
import {
  fingerprintOf,
  hashChallengeToken,
  looksLikeChallengeToken,
  newChallengeToken,
} from './challenge-token.ts'
import { secondFactorErrors } from './errors.ts'
import { type FactorOwner, ownerOf } from './owner.ts'
import type { Proof, Proofs } from './proof.ts'
import { closeChallenge, insertChallenge, summarize, tryChallenge } from './store.ts'

/** The second half of a sign-in. */
export interface SecondFactorSignIn {
  /** With what somebody whose password was right goes on; nothing where the password is enough. */
  methodsOf(realm: Realm, user: Pick<KnownPassword, 'userId' | 'coreUserId'>): Promise<readonly string[]>
  /** Begins the second half; gives what the sign-in is answered, an error because it is none yet. */
  challenge(realm: Realm, user: KnownPassword, methods: readonly string[]): Promise<AppError>
  /**
   * Ends a challenge with a session.
   *
   * @throws authErrors.invalidToken for a challenge that is none, over, used, out of tries or of another realm;
   *   authErrors.invalidCredentials for a wrong proof; httpErrors.rateLimited
   */
  answer(realm: Realm, token: string, proof: Proof, origin: Origin): Promise<SecondFactorSession>
}

type SecondFactorSession = TokenPair & { readonly userId: Id; readonly sessionId: Id }

const LIFE_SECONDS = 5 * 60
const TRIES = 5

export function createSecondFactorSignIn(options: {
  readonly core: CoreDb
  readonly sessions: Sessions
  readonly proofs: Proofs
  readonly repeats: Repeats
}): SecondFactorSignIn {
  const { core, sessions, proofs, repeats } = options

  const accept = async ({ db }: Realm, userId: Id, owner: FactorOwner, proof: Proof) => {
    try {
      return await proofs.accept(owner, proof)
    } catch (error) {
      if (error instanceof AppError) repeats.note(db, `second factor ${userId}`, secondFactorFailed(userId))
      throw error
    }
  }

  return {
    methodsOf: async (realm, { userId, coreUserId }) => {
      const owner = ownerOf(core, realm, { id: userId, coreUserId })
      const { factors, recoveryCodesLeft } = await summarize(owner.realm.db, owner.userId)
      if (factors.length === 0) return []
      return [...factors.map(({ kind }) => kind), ...(recoveryCodesLeft > 0 ? ['recovery_code'] : [])]
    },
    challenge: async (realm, { userId, passwordHash }, methods) => {
      const token = newChallengeToken()
      const passwordFingerprint = fingerprintOf(passwordHash)
      const challenge = { hash: hashChallengeToken(token), userId, passwordFingerprint }
      await insertChallenge(realm.db, challenge, LIFE_SECONDS)
      return secondFactorErrors.mfaChallenge({ members: { mfa_token: token, methods } })
    },
    answer: async (realm, token, proof, origin) => {
      if (!looksLikeChallengeToken(token)) throw deadChallenge()
      const hash = hashChallengeToken(token)
      const challenge = await tryChallenge(realm.db, hash, TRIES)
      const user = challenge && (await findStill(core, realm, challenge))
      if (!user) throw deadChallenge()
      const { userId } = user
      const owner = ownerOf(core, realm, { id: userId, coreUserId: user.coreUserId })
      await proofs.spend(owner)
      const method = await accept(realm, userId, owner, proof)
      const session = await openForPassword(core, realm, user, async (tx) => {
        if (!(await closeChallenge(tx, hash))) throw deadChallenge()
        return await sessions.open(tx, userId, origin, ['pwd', method])
      })
      return { ...(await sessions.issue(realm, session)), userId, sessionId: session.sessionId }
    },
  }
}

/** The user of a challenge, if it may still sign in with the password that began it. */
async function findStill(
  core: CoreDb,
  realm: Realm,
  { userId, passwordFingerprint }: { userId: Id; passwordFingerprint: string },
): Promise<KnownPassword | undefined> {
  const user = await findAccount(realm.db, userId)
  const holder = user?.coreUserId ? await findAccount(core, user.coreUserId) : user
  if (!mayEnter(user) || !mayEnter(holder) || !holder?.passwordHash) return undefined
  if (fingerprintOf(holder.passwordHash) !== passwordFingerprint) return undefined
  return { userId, coreUserId: user?.coreUserId ?? null, passwordHash: holder.passwordHash }
}

function mayEnter(account: Account | undefined): boolean {
  return account?.isActive ?? false
}

function deadChallenge(): AppError {
  return authErrors.invalidToken({ detail: 'The mfa_token is wrong, over, or used up. Sign in again.' })
}
