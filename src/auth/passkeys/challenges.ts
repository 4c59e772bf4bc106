import { createHash, randomBytes } from 'node:crypto'
import type { Id } from '../../platform/index.ts'
import type { AnyExecutor } from '../sessions/store.ts'
import { challengeIn } from './client-data.ts'
import { deleteChallenge, insertChallenge } from './store.ts'

/**
 * What a challenge is for. It is part of what is stored, so for another use, another session, or in another database it is
 * none at all.
 */
export type ChallengeUse = { readonly db: AnyExecutor } & (
  | { readonly purpose: 'sign-in' }
  | { readonly purpose: 'registration' | 'step-up'; readonly sessionId: Id }
  /** @param mfaTokenHash of the sign-in whose password was right */
  | { readonly purpose: 'second-factor'; readonly mfaTokenHash: string }
)

/** How long an authenticator has to sign, in seconds. */
export const CHALLENGE_SECONDS = 5 * 60

/** Makes 256 random bits to be signed, once. */
export async function newChallenge(use: ChallengeUse): Promise<Uint8Array<ArrayBuffer>> {
  const challenge = new Uint8Array(randomBytes(32))
  const text = Buffer.from(challenge).toString('base64url')
  await insertChallenge(use.db, hashOf(use, text), CHALLENGE_SECONDS)
  return challenge
}

/**
 * Uses up the challenge that something was signed for, whatever the signature is worth: each has one try.
 *
 * @returns it, base64url; `undefined` where it is none of this use, over, or was used
 */
export async function takeChallenge(use: ChallengeUse, clientDataJson: string): Promise<string | undefined> {
  const challenge = challengeIn(clientDataJson)
  if (challenge === undefined) return undefined
  return (await deleteChallenge(use.db, hashOf(use, challenge))) ? challenge : undefined
}

function hashOf(use: ChallengeUse, challenge: string): string {
  return createHash('sha256')
    .update(`${use.purpose} ${whoseOf(use)} ${challenge}`)
    .digest('base64url')
}

function whoseOf(use: ChallengeUse): string {
  if (use.purpose === 'sign-in') return 'anyone'
  return use.purpose === 'second-factor' ? use.mfaTokenHash : use.sessionId
}
