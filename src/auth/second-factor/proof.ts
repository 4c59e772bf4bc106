import { httpErrors } from '../../http/index.ts'
import type { Clock, SecretBox } from '../../platform/index.ts'
import { authErrors } from '../errors.ts'
import type { Subject, Throttle } from '../throttle/throttle.ts'
import { type FactorOwner, sealContext } from './owner.ts'
import { hashRecoveryCode } from './recovery-codes.ts'
import { findTotp, forgetTries, spendTry, useRecoveryCode, useStep } from './store.ts'
import { stepOf } from './totp.ts'

/** What somebody shows of a second factor. */
export type Proof = { readonly code: string } | { readonly recoveryCode: string }

export interface Proofs {
  /**
   * Spends one of a user's tries, ten in 15 minutes over all sessions and sign-ins, before anything is looked at.
   *
   * @throws httpErrors.rateLimited
   */
  spend(owner: FactorOwner): Promise<void>
  /**
   * Accepts a proof, each once, and says of which method it is. The try must have been spent. Wrong codes delay and lock
   * as wrong passwords do; a recovery code cannot be guessed, and is looked at all the same.
   *
   * @throws authErrors.invalidCredentials, httpErrors.rateLimited
   */
  accept(owner: FactorOwner, proof: Proof): Promise<'otp' | 'rcv'>
  /** The hash of a recovery code as it is stored. */
  hash(owner: FactorOwner, recoveryCode: string): string
}

/** Whoever knows the password can begin sign-ins without end, and each has five tries: so users have a budget too. */
const BUDGET = { tries: 10, windowSeconds: 15 * 60 }

export function createProofs({
  box,
  clock,
  throttle,
}: {
  readonly box: SecretBox
  readonly clock: Clock
  readonly throttle: Pick<Throttle, 'guard' | 'forgive'>
}): Proofs {
  const key = box.deriveKey('recovery-code')
  const hash = (owner: FactorOwner, code: string) => hashRecoveryCode(key, owner, code)

  const isAccepted = async (owner: FactorOwner, proof: Proof): Promise<boolean> => {
    const { realm, userId } = owner
    if ('recoveryCode' in proof)
      return await useRecoveryCode(realm.db, userId, hash(owner, proof.recoveryCode))
    const factor = await findTotp(realm.db, userId)
    if (!factor?.confirmedAt) return false
    const secret = box.open(Buffer.from(factor.sealedSecret, 'base64'), sealContext(owner))
    const step = stepOf(secret, proof.code, clock.now())
    return step !== undefined && (await useStep(realm.db, factor.id, step))
  }

  return {
    hash,
    spend: async ({ realm, userId }) => {
      const wait = await spendTry(realm.db, userId, BUDGET)
      if (wait > 0)
        throw httpErrors.rateLimited({ detail: 'Too many wrong codes or passwords.', retryAfter: wait })
    },
    accept: async (owner, proof) => {
      const check = async () => {
        if (!(await isAccepted(owner, proof))) throw wrongCode()
      }
      const subject = codesOf(owner)
      if ('code' in proof) await throttle.guard(subject, check)
      else {
        await check()
        await throttle.forgive(subject)
      }
      await forgetTries(owner.realm.db, owner.userId)
      return 'code' in proof ? 'otp' : 'rcv'
    },
  }
}

/**
 * The codes of somebody's app. A reset of the password forgives none of it: who opens another one's mail would guess on
 * and on.
 */
function codesOf({ realm, userId }: FactorOwner): Subject {
  const tenantId = realm.scope === 'tenant' ? realm.db.tenantId : undefined
  return { purpose: 'second-factor', tenantId, who: userId }
}

/** The one answer to every code that is not accepted, whyever. */
export function wrongCode() {
  return authErrors.invalidCredentials({ detail: 'The code is wrong, or was used before.' })
}
