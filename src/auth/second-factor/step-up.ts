import type { FastifyRequest } from 'fastify'
import type { Repeats } from '../../audit/index.ts'
import { createGuard, type Guard } from '../../http/index.ts'
import { appErrorIn, type Id } from '../../platform/index.ts'
import { findAccount } from '../accounts/store.ts'
import { stepUpFailed } from '../audit.ts'
import { authErrors } from '../errors.ts'
import type { PasswordHasher } from '../passwords/passwords.ts'
import type { AnyExecutor } from '../sessions/store.ts'
import type { Amr } from '../sessions/tables.ts'
import { passwordSubject } from '../throttle/password-subject.ts'
import type { Throttle } from '../throttle/throttle.ts'
import { secondFactorErrors } from './errors.ts'
import type { FactorOwner } from './owner.ts'
import type { Proof, Proofs } from './proof.ts'
import { forgetTries, markProven, summarize } from './store.ts'

/** What a principal tells of how lately its session's user proved who it is. */
export interface Freshness {
  /** Whether that was in the last `STEP_UP_SECONDS`. */
  readonly isFresh: boolean
}

/** Refuses a dangerous action to a session whose user did not prove lately who it is. @throws secondFactorErrors.stepUpRequired */
export function requireStepUp({ isFresh }: Freshness): void {
  if (!isFresh) throw secondFactorErrors.stepUpRequired()
}

/**
 * Makes the guard of dangerous actions, to stand behind the one that says who asks:
 * `onRequest: [accountGuard.onRequest, stepUpGuard(accountGuard).onRequest]`.
 */
export function stepUpGuard(guard: Guard<Freshness>): Guard<void> {
  const admit = async (request: FastifyRequest): Promise<void> => requireStepUp(guard.admitted(request))
  return createGuard([], admit, [secondFactorErrors.stepUpRequired])
}

export interface StepUp {
  /**
   * Makes a session fresh. A user with a second factor shows that; the password alone would let in who has a stolen
   * session and a guessed password.
   *
   * @throws authErrors.invalidCredentials, mfaRequired; httpErrors.rateLimited, overloaded
   */
  prove(session: OwnSession, owner: FactorOwner, proof: Proof | { readonly password: string }): Promise<void>
  /** Makes a session fresh whose user showed a factor in another way. */
  note(session: OwnSession, methods: readonly Amr[]): Promise<void>
}

/** A session, in the database where it lies. */
export interface OwnSession {
  readonly db: AnyExecutor
  readonly sessionId: Id
}

export function createStepUp(options: {
  readonly passwords: PasswordHasher
  readonly proofs: Proofs
  readonly throttle: Pick<Throttle, 'guard'>
  readonly repeats: Repeats
}): StepUp {
  const { passwords, proofs, throttle, repeats } = options

  const checkPassword = async (owner: FactorOwner, password: string): Promise<readonly Amr[]> => {
    const { realm, userId } = owner
    const { factors } = await summarize(realm.db, userId)
    if (factors.length > 0) {
      const detail = 'This account has a second factor: show that, or send a recovery code.'
      throw secondFactorErrors.mfaRequired({ detail })
    }
    await proofs.spend(owner)
    // The window ends every quarter of an hour; what is counted here goes on, with all other guesses at this password.
    await throttle.guard(passwordSubject(realm, userId), async () => {
      const account = await findAccount(realm.db, userId)
      if (!(await passwords.verify(password, account?.passwordHash)))
        throw authErrors.invalidCredentials({ detail: 'The password is wrong.' })
    })
    await forgetTries(realm.db, userId)
    return ['pwd']
  }

  const checkProof = async (
    session: OwnSession,
    owner: FactorOwner,
    proof: Proof,
  ): Promise<readonly Amr[]> => {
    await proofs.spend(owner)
    return await proofs.accept(owner, proof, { ...session, purpose: 'step-up' })
  }

  return {
    prove: async (session, owner, proof) => {
      const check =
        'password' in proof ? checkPassword(owner, proof.password) : checkProof(session, owner, proof)
      const methods = await check.catch((error: unknown) => {
        // Who has a session and guesses may have stolen it.
        if (appErrorIn(error)?.code === authErrors.invalidCredentials.definition.code)
          repeats.note(session.db, `step-up ${session.sessionId}`, stepUpFailed(session.sessionId))
        throw error
      })
      await markProven(session.db, session.sessionId, methods)
    },
    note: ({ db, sessionId }, methods) => markProven(db, sessionId, methods),
  }
}
