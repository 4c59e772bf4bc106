import { hash } from '@node-rs/argon2'
import commonPasswords from 'fxa-common-password-list'
import { httpErrors } from '../../http/index.ts'
import { WorkQueue, WorkQueueFullError } from '../../platform/index.ts'
import { checkOf, PARAMETERS } from './stored-hash.ts'

/** Two cores are busy with two hashes; 64 that wait are served within 2 s, and one more would not be. */
const QUEUE = { running: 2, waiting: 64, maxWaitMs: 2_000 }

const MIN_LENGTH = 8
const MAX_LENGTH = 256
const MAX_BYTES = 1_024

export type PasswordProblem = 'too-short' | 'too-long' | 'blank' | 'too-common' | 'too-guessable'

/**
 * Says why a new password is refused; `undefined` when it is good. Length counts code points after NFKC.
 *
 * @param personal what an attacker would try first for this account: its e-mail address, its name, that of its organization
 * @see https://pages.nist.gov/800-63-4/sp800-63b.html section 3.1.1.2
 */
export function passwordProblem(password: string, personal: readonly string[]): PasswordProblem | undefined {
  const normal = password.normalize('NFKC')
  const length = [...normal].length
  if (length < MIN_LENGTH) return 'too-short'
  if (length > MAX_LENGTH || Buffer.byteLength(normal) > MAX_BYTES) return 'too-long'
  if (normal.trim() === '') return 'blank'
  const folded = normal.trim().toLowerCase()
  if (commonPasswords.test(folded) || commonPasswords.test(normal)) return 'too-common'
  const guesses = [...personal, ...personal.map((text) => text.split('@')[0] ?? ''), 'tenantry']
  return guesses.some((guess) => isNearly(folded, guess.normalize('NFKC').toLowerCase()))
    ? 'too-guessable'
    : undefined
}

/**
 * Refuses a new password that is no good, with the reason.
 *
 * @param pointer where in the body it is
 * @throws httpErrors.validationFailed
 */
export function requireGoodPassword(password: string, pointer: string, personal: readonly string[]): void {
  const code = passwordProblem(password, personal)
  if (!code) return
  const detail = 'This password cannot be used; the code says why. Choose another one.'
  throw httpErrors.validationFailed({ detail, errors: [{ pointer, code }] })
}

/** The word itself, or the word with a few digits or signs around it. */
function isNearly(password: string, guess: string): boolean {
  if (guess.length < 4 || !password.includes(guess)) return false
  return password.length - guess.length <= 4
}

/** Hashes and checks passwords off the event loop, a few at a time. */
export interface PasswordHasher {
  /** @throws httpErrors.overloaded */
  hash(password: string): Promise<string>
  /**
   * Checks a password against a hash, of ours or imported. Without a hash, or with one of a kind that is not accepted, it
   * takes the time of one of ours and says no, so that the time of an answer does not tell whether an account exists.
   *
   * @throws httpErrors.overloaded
   */
  verify(password: string, hash: string | null | undefined): Promise<boolean>
}

/** argon2id in a bounded queue: memory stays at two hashes whatever comes in. */
export function createPasswordHasher(): PasswordHasher {
  const queue = new WorkQueue(QUEUE)
  const compute = (password: string) => hash(password.normalize('NFKC'), PARAMETERS)
  const decoy = compute('no password has this hash')

  const inQueue = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await queue.run(work)
    } catch (error) {
      throw error instanceof WorkQueueFullError ? httpErrors.overloaded({ cause: error }) : error
    }
  }

  return {
    hash: (password) => inQueue(() => compute(password)),
    verify: (password, known) =>
      inQueue(async () => {
        const check = checkOf(known)
        if (check) return await check(password)
        await checkOf(await decoy)?.(password)
        return false
      }),
  }
}
