import { createHmac } from 'node:crypto'
import {
  type Allowance,
  httpErrors,
  type RateLimitOptions,
  type RatePolicy,
  refusalOf,
} from '../../http/index.ts'
import { type AppError, type Id, type Logger, runDetached, type SecretBox } from '../../platform/index.ts'
import { type CoreDb, type CoreTx, Worker } from '../../tenancy/index.ts'
import { isWrongSecret } from '../errors.ts'
import { type CountedAttempt, createAttempts } from './attempts.ts'
import { createSchedule, FREE_FAILURES } from './schedule.ts'
import { type AccountUse, forget, type NetworkCount, type NetworkUse } from './store.ts'
import { sweeper } from './sweeper.ts'

/** Whose secret is tried. */
export interface Subject {
  /**
   * `sign-in`: by whoever knows an e-mail address. `linked`: a platform's password, in all organizations together.
   * `password`: by whoever is signed in, to prove that it is the owner. `second-factor`: codes of an app.
   */
  readonly purpose: 'sign-in' | 'linked' | 'password' | 'second-factor'
  /** The organization; absent, the platform. */
  readonly tenantId?: Id | undefined
  /** Canonical e-mail address for `sign-in`, whether or not there is such an account; id of the user for the others. */
  readonly who: string
}

/** Some network's requests under a policy. */
export interface NetworkRequest {
  readonly policy: RatePolicy
  /** As `networkOf` gives it. */
  readonly network: string
  /** Gets what is left, unless nothing is counted. */
  readonly tell: (left: Allowance) => void
}

/** Limits that hold over all processes, because the core database counts. All are off where limits are. */
export interface Throttle {
  /**
   * Counts one request of a network. While the core database takes no writes, only what each process counts in front of
   * its routes holds.
   *
   * @throws httpErrors.rateLimited
   */
  spend(request: NetworkRequest): Promise<void>
  /**
   * Runs `check`, which checks a secret, unless too many checks for the same subject failed. It counts as failed before it
   * runs, so that many at once are no way around; success forgets all failures, and what ends otherwise than with
   * `invalidCredentials` is not counted.
   *
   * @param request counted in the same statement
   * @throws httpErrors.rateLimited, the same whether or not there is such an account; and what `check` throws
   */
  guard<T>(subject: Subject, check: () => Promise<T>, request?: NetworkRequest): Promise<T>
  /** Forgets the failures of subjects who showed in another way who they are. Never throws. */
  forgive(...subjects: readonly Subject[]): Promise<void>
  /** The same in a transaction, whether or not limits are on here. Gives how many of them had failures. */
  forgiveIn(tx: CoreTx, ...subjects: readonly Subject[]): Promise<number>
  /** Deletes what says nothing any more, once it is started. */
  readonly worker: Worker
}

export interface ThrottleOptions {
  readonly core: CoreDb
  readonly box: SecretBox
  readonly limits: RateLimitOptions
  readonly log: Logger
}

const DETAIL =
  'Too many attempts failed; "Retry-After" says when to try again. A reset of the password lets in at once.'
const FACTOR_DETAIL =
  'Too many codes were wrong; "Retry-After" says when to try again. A recovery code is taken at once.'
/** What is worth a line in the log: a lock, not a delay. */
const LOCK_SECONDS = 5 * 60

/** Makes the counting behind sign-ins and behind limits of networks that hold over all processes. */
export function createThrottle({ core, box, limits, log }: ThrottleOptions): Throttle {
  const { enabled, factor } = limits
  const hashKey = box.deriveKey('throttle')
  const keyOf = (...parts: readonly string[]) =>
    createHmac('sha256', hashKey).update(JSON.stringify(parts)).digest('base64url')
  const keyOfSubject = ({ purpose, tenantId = 'core', who }: Subject) => keyOf(purpose, tenantId, who)
  const countOf = ({ policy, network }: NetworkRequest): NetworkCount => ({
    key: keyOf('network', policy.name, network),
    limit: policy.limit * factor,
    windowSeconds: policy.windowSeconds,
  })
  const attempts = createAttempts(core, createSchedule(factor), log)
  const quietly = (work: Promise<void>) =>
    work.catch((error: unknown) => log.warn({ err: error }, 'attempts could not be taken back'))

  const begin = async (subject: Subject, request?: NetworkRequest): Promise<CountedAttempt> => {
    const key = keyOfSubject(subject)
    const attempt = await attempts.count(key, request && countOf(request))
    const { network, account } = attempt
    if (network && request) admit(request, network, factor)
    if (!account?.isAllowed) throw tooManyFailures(subject, account, factor)
    const { failures, secondsLeft } = account
    if (secondsLeft > LOCK_SECONDS) log.warn({ failures }, 'an account is locked for a while')
    return attempt
  }

  return {
    spend: async (request) => {
      const use = enabled ? await attempts.countNetwork(countOf(request)) : undefined
      if (use) admit(request, use, factor)
    },
    guard: async (subject, check, request) => {
      if (!enabled) return await check()
      const key = keyOfSubject(subject)
      const attempt = await begin(subject, request)
      const result = await check().catch(async (error: unknown) => {
        if (!isWrongSecret(error)) await quietly(attempt.takeBack())
        throw error
      })
      const forgotten = runDetached(() => quietly(attempts.forget(key)))
      // Alone it delays nobody, so nobody waits until it is forgotten.
      if ((attempt.account?.failures ?? 0) > 1) await forgotten
      return result
    },
    forgive: async (...subjects) => {
      if (!enabled) return
      await Promise.all(subjects.map((subject) => quietly(attempts.forget(keyOfSubject(subject)))))
    },
    forgiveIn: async (tx, ...subjects) => {
      let forgiven = 0
      // In one order, so that two who do it wait for each other and never in a ring.
      for (const key of subjects.map(keyOfSubject).sort()) if (await forget(tx, key)) forgiven++
      return forgiven
    },
    worker: new Worker([sweeper(core)], log),
  }
}

function admit({ policy, tell }: NetworkRequest, { used, secondsLeft }: NetworkUse, factor: number): void {
  const limit = policy.limit * factor
  const resetSeconds = Math.ceil(secondsLeft)
  const left = { policy, limit, left: Math.max(0, limit - used), resetSeconds }
  if (used > limit) throw refusalOf(left)
  tell(left)
}

function tooManyFailures({ purpose }: Subject, use: AccountUse | undefined, factor: number): AppError {
  const retryAfter = Math.max(1, Math.ceil(use?.secondsLeft ?? 1))
  const headers = {
    ratelimit: `"account";r=0;t=${retryAfter}`,
    'ratelimit-policy': `"account";q=${FREE_FAILURES * factor}`,
  }
  const detail = purpose === 'second-factor' ? FACTOR_DETAIL : DETAIL
  return httpErrors.rateLimited({ detail, retryAfter, headers })
}
