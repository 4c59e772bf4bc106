import type { Repeats } from '../../audit/index.ts'
import { AppError, type Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { type Account, findAccount } from '../accounts/store.ts'
import { secondFactorFailed } from '../audit.ts'
import { authErrors } from '../errors.ts'
import type { ChallengeUse } from '../passkeys/challenges.ts'
import { type KnownPassword, openForPassword } from '../passwords/open-session.ts'
import type { Origin } from '../sessions/origin.ts'
import type { Realm } from '../sessions/realm.ts'
import type { Sessions, TokenPair } from '../sessions/sessions.ts'
import {
  type Challenge,
  closeChallenge,
  findChallenge,
  insertChallenge,
  tryChallenge,
} from './challenges/store.ts'
import {
  fingerprintOf,
  hashChallengeToken,
  looksLikeChallengeToken,
  newChallengeToken,
} from './challenges/token.ts'
import { secondFactorErrors } from './errors.ts'
import { type FactorOwner, ownerOf } from './owner.ts'
import type { Proof, Proofs } from './proof.ts'
import { summarize } from './store.ts'

/** The second half of a sign-in. */
export interface SecondFactorSignIn {
  /** With what somebody whose password was right goes on; nothing where the password is enough. */
  methodsOf(realm: Realm, user: Pick<KnownPassword, 'userId' | 'coreUserId'>): Promise<readonly string[]>
  /**
   * Whose factor a challenge is to be answered with; no try is spent.
   *
   * @throws authErrors.invalidToken for a challenge that is none, over, used, out of tries or of another realm
   */
  ownerOfChallenge(realm: Realm, token: string): Promise<ChallengeOwner>
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

interface ChallengeOwner {
  readonly owner: FactorOwner
  readonly mfaTokenHash: string
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

  const accept = async (userId: Id, owner: FactorOwner, proof: Proof, use: ChallengeUse) => {
    try {
      return await proofs.accept(owner, proof, use)
    } catch (error) {
      if (error instanceof AppError)
        repeats.note(use.db, `second factor ${userId}`, secondFactorFailed(userId))
      throw error
    }
  }

  const holdersOf = async (realm: Realm, challenge: Challenge | undefined) => {
    const user = challenge && (await findStill(core, realm, challenge))
    if (!user) throw deadChallenge()
    return { user, owner: ownerOf(core, realm, { id: user.userId, coreUserId: user.coreUserId }) }
  }

  return {
    methodsOf: async (realm, { userId, coreUserId }) => {
      const owner = ownerOf(core, realm, { id: userId, coreUserId })
      const { factors, recoveryCodesLeft } = await summarize(owner.realm.db, owner.userId)
      if (factors.length === 0) return []
      const kinds = new Set(factors.map(({ kind }) => kind))
      return [...kinds, ...(recoveryCodesLeft > 0 ? ['recovery_code'] : [])]
    },
    ownerOfChallenge: async (realm, token) => {
      const mfaTokenHash = hashOf(token)
      const { owner } = await holdersOf(realm, await findChallenge(realm.db, mfaTokenHash, TRIES))
      return { owner, mfaTokenHash }
    },
    challenge: async (realm, { userId, passwordHash }, methods) => {
      const token = newChallengeToken()
      const passwordFingerprint = fingerprintOf(passwordHash)
      const challenge = { hash: hashChallengeToken(token), userId, passwordFingerprint }
      await insertChallenge(realm.db, challenge, LIFE_SECONDS)
      return secondFactorErrors.mfaChallenge({ members: { mfa_token: token, methods } })
    },
    answer: async (realm, token, proof, origin) => {
      const hash = hashOf(token)
      const { user, owner } = await holdersOf(realm, await tryChallenge(realm.db, hash, TRIES))
      const { userId } = user
      await proofs.spend(owner)
      const use = { db: realm.db, purpose: 'second-factor', mfaTokenHash: hash } as const
      const methods = await accept(userId, owner, proof, use)
      const session = await openForPassword(core, realm, user, async (tx) => {
        if (!(await closeChallenge(tx, hash))) throw deadChallenge()
        return await sessions.open(tx, userId, origin, ['pwd', ...methods])
      })
      return { ...(await sessions.issue(realm, session)), userId, sessionId: session.sessionId }
    },
  }
}

/** The user of a challenge, if it may still sign in with the password that began it. */
async function findStill(
  core: CoreDb,
  realm: Realm,
  { userId, passwordFingerprint }: Challenge,
): Promise<KnownPassword | undefined> {
  const user = await findAccount(realm.db, userId)
  const holder = user?.coreUserId ? await findAccount(core, user.coreUserId) : user
  if (!mayEnter(user) || !mayEnter(holder) || !holder?.passwordHash) return undefined
  if (fingerprintOf(holder.passwordHash) !== passwordFingerprint) return undefined
  return { userId, coreUserId: user?.coreUserId ?? null, passwordHash: holder.passwordHash }
}

/** Throws authErrors.invalidToken for what is no token of a challenge. */
function hashOf(token: string): string {
  if (!looksLikeChallengeToken(token)) throw deadChallenge()
  return hashChallengeToken(token)
}

function mayEnter(account: Account | undefined): boolean {
  return account?.isActive ?? false
}

function deadChallenge(): AppError {
  return authErrors.invalidToken({ detail: 'The mfa_token is wrong, over, or used up. Sign in again.' })
}
