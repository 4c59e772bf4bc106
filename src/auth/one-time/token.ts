import { opaqueTokens } from '../opaque-token.ts'

/** Tokens of links in mails. */
export const {
  make: newOneTimeToken,
  hash: hashOneTimeToken,
  looksLike: looksLikeOneTimeToken,
} = opaqueTokens('tro_')
