import { createHmac } from 'node:crypto'
import { opaqueTokens } from '../opaque-token.ts'

const TOKENS = opaqueTokens('trt_')

/** Tokens that a session goes on with. */
export const { make: newRefreshToken, hash: hashRefreshToken, looksLike: looksLikeRefreshToken } = TOKENS

/**
 * The one token that follows `token`. It is derived and not random, so that a client whose answer got lost asks again
 * and gets the same one, without a copy of it lying in the database.
 *
 * @param key 32 bytes known to the platform alone
 */
export function nextRefreshToken(key: Buffer, token: string): string {
  return TOKENS.of(createHmac('sha256', key).update(token).digest())
}
