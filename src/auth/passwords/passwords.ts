import { hash, verify } from '@node-rs/argon2'
import commonPasswords from 'fxa-common-password-list'
import { httpErrors } from '../../http/index.ts'
import { WorkQueue, WorkQueueFullError } from '../../platform/index.ts'

/** OWASP Password Storage Cheat Sheet: argon2id (the library's default kind) with 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }

/** Two cores are busy with two hashes; 64 that wait are served within 2 s, and one more would not be. */
const QUEUE = { running: 2, waiting: 64, maxWaitMs: 2_000 }

const MIN_LENGTH = 8
const MAX_LENGTH = 256
const MAX_BYTES = 1_024

export type PasswordProblem = 'too-short' | 'too-long' | 'blank' | 'too-common' | 'too-guessable'

/**
 * Says why a new password is refused; `undefined` when it is good. Length counts code points after NFKC.
 *
 * @param personal what an attacker would try first for this account: its e-mail address, its name
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
  return guesses.some((guess) => isNearly(folded, guess.toLowerCase())) ? 'too-guessable' : undefined
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
   * Checks a password against a hash. Without a hash it takes the same time and says no, so that the time of an answer
   * does not tell whether an account exists.
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
        const stored = known?.startsWith('$argon2id$') ? known : undefined
        const matches = await verify(stored ?? (await decoy), password.normalize('NFKC'))
        return matches && stored !== undefined
      }),
  }
}
