import type { FastifyRequest } from 'fastify'
import { MALFORMED_CREDENTIALS, readBearerToken } from '../http/index.ts'
import { authErrors } from './errors.ts'

/** The token that a request must have, of whatever kind. @throws authErrors.authenticationRequired, invalidToken */
export function bearerTokenOf(request: FastifyRequest): string {
  const token = readBearerToken(request)
  if (token === undefined) throw authErrors.authenticationRequired()
  if (token === MALFORMED_CREDENTIALS) throw authErrors.invalidToken()
  return token
}
