import type { FastifyRequest } from 'fastify'

/** Longest token that is looked at; ours are far below 1 KB. */
const MAX_TOKEN = 4096

/** `Bearer`, in any case (RFC 9110, section 11.1), one space, and the characters of b64token (RFC 6750, section 2.1). */
const BEARER = /^bearer ([A-Za-z0-9\-._~+/]+=*)$/i

/** What `readBearerToken` gives for credentials that are there but are no bearer token. */
export const MALFORMED_CREDENTIALS: unique symbol = Symbol('malformed credentials')

/**
 * Reads the bearer token of a request from `Authorization` and nowhere else: never from the query or a cookie.
 *
 * @returns the token; `undefined` when the header is absent; `MALFORMED_CREDENTIALS` for another scheme, a list, a
 *   repeated header, characters that no token has, or more than 4096 of them
 */
export function readBearerToken(
  request: Pick<FastifyRequest, 'raw'>,
): string | undefined | typeof MALFORMED_CREDENTIALS {
  const { headers, rawHeaders } = request.raw
  const { authorization } = headers
  if (authorization === undefined) return undefined
  if (authorization.length > MAX_TOKEN + 'Bearer '.length) return MALFORMED_CREDENTIALS
  // Node.js keeps the first of several and drops the others, so that only the raw list tells.
  if (isRepeated(rawHeaders, 'authorization')) return MALFORMED_CREDENTIALS
  return BEARER.exec(authorization)?.[1] ?? MALFORMED_CREDENTIALS
}

/** Says whether a header came more than once. `name` in lower case. */
export function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let seen = false
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const candidate = rawHeaders[at]
    if (candidate?.length === name.length && candidate.toLowerCase() === name) {
      if (seen) return true
      seen = true
    }
  }
  return false
}
