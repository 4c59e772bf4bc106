import { httpErrors } from '../../http/index.ts'
import type { Clock, SecretBox } from '../../platform/index.ts'
import { authErrors } from '../errors.ts'
import type { Assertions } from '../passkeys/assertions.ts'
import type { ChallengeUse } from '../passkeys/challenges.ts'
import type { Assertion } from '../passkeys/types.ts'
import type { Amr } from '../sessions/tables.ts'
import { codesSubject } from '../throttle/password-subject.ts'
import type { Throttle } from '../throttle/throttle.ts'
import { type FactorOwner, sealContext } from './owner.ts'
import { hashRecoveryCode } from './recovery-codes.ts'
import { findTotp, forgetTries, spendTry, useRecoveryCode, useStep } from './store.ts'
import { stepOf } from './totp.ts'

/** What somebody shows of a second factor. */
export type Proof =
  | { readonly code: string }
  | { readonly recoveryCode: string }
  | { readonly passkey: Assertion }

export interface Proofs {
  /**
   * Spends one of a user's tries, ten in 15 minutes over all sessions and sign-ins, before anything is looked at.
   *
   * @throws httpErrors.rateLimited
   */
  spend(owner: FactorOwner): Promise<void>
  /**
   * Accepts a proof, each once, and says by which methods it proves who the user is. The try must have been spent.
   * Wrong codes delay and lock as wrong passwords do; other proofs cannot be guessed, are looked at all the same, and end that.
   *
   * @param use what a passkey's challenge must have been made for
   * @throws authErrors.invalidCredentials; httpErrors.rateLimited; passkeyErrors.passkeysOff
   */
  accept(owner: FactorOwner, proof: Proof, use: ChallengeUse): Promise<readonly Amr[]>
  /** The hash of a recovery code as it is stored. */
  hash(owner: FactorOwner, recoveryCode: string): string
}

/** Whoever knows the password can begin sign-ins without end, and each has five tries: so users have a budget too. */
const BUDGET = { tries: 10, windowSeconds: 15 * 60 }

export function createProofs(options: {
  readonly box: SecretBox
  readonly clock: Clock
  readonly assertions: Pick<Assertions, 'take' | 'check'>
  readonly throttle: Pick<Throttle, 'guard' | 'forgive'>
}): Proofs {
  const { box, clock, assertions, throttle } = options
  const key = box.deriveKey('recovery-code')
  const hash = (owner: FactorOwner, code: string) => hashRecoveryCode(key, owner, code)

  const isCode = async (owner: FactorOwner, code: string): Promise<boolean> => {
    const { realm, userId } = owner
    const factor = await findTotp(realm.db, userId)
    if (!factor?.confirmedAt) return false
    const secret = box.open(Buffer.from(factor.sealedSecret, 'base64'), sealContext(owner))
    const step = stepOf(secret, code, clock.now())
    return step !== undefined && (await useStep(realm.db, factor.id, step))
  }

  const methodsOf = async (
    owner: FactorOwner,
    proof: Proof,
    use: ChallengeUse,
  ): Promise<readonly Amr[] | undefined> => {
    if ('code' in proof) return (await isCode(owner, proof.code)) ? ['otp'] : undefined
    if ('passkey' in proof) {
      const challenge = await assertions.take(use, proof.passkey)
      return challenge === undefined ? undefined : await assertions.check(owner, proof.passkey, challenge)
    }
    const { realm, userId } = owner
    return (await useRecoveryCode(realm.db, userId, hash(owner, proof.recoveryCode))) ? ['rcv'] : undefined
  }

  return {
    hash,
    spend: async ({ realm, userId }) => {
      const wait = await spendTry(realm.db, userId, BUDGET)
      if (wait > 0)
        throw httpErrors.rateLimited({ detail: 'Too many wrong codes or passwords.', retryAfter: wait })
    },
    accept: async (owner, proof, use) => {
      const check = async () => {
        const methods = await methodsOf(owner, proof, use)
        if (!methods) throw 'passkey' in proof ? wrongPasskey() : wrongCode()
        return methods
      }
      const subject = codesSubject(owner.realm, owner.userId)
      const methods = 'code' in proof ? await throttle.guard(subject, check) : await check()
      if (!('code' in proof)) await throttle.forgive(subject)
      await forgetTries(owner.realm.db, owner.userId)
      return methods
    },
  }
}

function wrongPasskey() {
  const detail = 'The passkey was not accepted. Ask for new options and try again.'
  return authErrors.invalidCredentials({ detail })
}

/** The one answer to every code that is not accepted, whyever. */
export function wrongCode() {
  return authErrors.invalidCredentials({ detail: 'The code is wrong, or was used before.' })
}
