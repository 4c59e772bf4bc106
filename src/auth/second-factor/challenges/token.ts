import { createHash } from 'node:crypto'
import { opaqueTokens } from '../../opaque-token.ts'

/** Tokens of sign-ins that wait for a second factor. */
export const {
  make: newChallengeToken,
  hash: hashChallengeToken,
  looksLike: looksLikeChallengeToken,
} = opaqueTokens('trm_')

/** Stands for a password without being any help in finding it: a hash of its hash. */
export function fingerprintOf(passwordHash: string): string {
  return createHash('sha256').update(passwordHash).digest('base64url')
}
