import { AuthorizationResponseError, ClientError, ResponseBodyError } from 'openid-client'
import { AppError } from '../../platform/index.ts'
import { ssoErrors } from '../errors.ts'
import { OutgoingError } from '../outgoing/fetch.ts'
import { UnfitProviderError } from './description.ts'

/** Codes of the library for an answer that is none, rather than one that says something wrong. */
const BROKEN_ANSWERS = new Set([
  'OAUTH_RESPONSE_IS_NOT_CONFORM',
  'OAUTH_RESPONSE_IS_NOT_JSON',
  'OAUTH_PARSE_ERROR',
  'OAUTH_HTTP_REQUEST_FORBIDDEN',
  'OAUTH_REQUEST_PROTOCOL_FORBIDDEN',
])

/** Refusals of the token endpoint that are about the code, and not about how the connection is set up. */
const STALE_CODE = 'invalid_grant'

/**
 * What went wrong in a call of the library, in our words. What is none of the provider's doing is given back as it came. A
 * description with a number for an address makes the library throw a TypeError.
 */
export function providerFailure(error: unknown): unknown {
  if (error instanceof AppError) return error
  const outgoing = outgoingIn(error)
  if (outgoing) return outgoingFailure(outgoing)
  if (error instanceof UnfitProviderError) return ssoErrors.providerFailed({ cause: error })
  if (error instanceof AuthorizationResponseError) return ssoErrors.ssoDenied()
  if (error instanceof ResponseBodyError)
    return error.error === STALE_CODE ? ssoErrors.ssoAnswerInvalid() : ssoErrors.providerFailed()
  if (error instanceof ClientError)
    return BROKEN_ANSWERS.has(error.code ?? '') ? ssoErrors.providerFailed() : ssoErrors.ssoAnswerInvalid()
  const isOdd = isWwwAuthenticate(error) || error instanceof TypeError || error instanceof RangeError
  return isOdd ? ssoErrors.providerFailed() : error
}

/** A word for logs and for administrators. The texts of errors hold what the provider sent. */
export function reasonOf(error: unknown): string {
  const outgoing = outgoingIn(error)
  if (outgoing) return outgoing.fault
  if (error instanceof UnfitProviderError) return error.reason
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError)
    return wordOf(error.error)
  if (error instanceof AppError) return error.code
  return error instanceof ClientError ? wordOf(error.code) : 'invalid-description'
}

/** The library wraps what a request threw. */
function outgoingIn(error: unknown): OutgoingError | undefined {
  for (let current = error; current instanceof Error; current = current.cause)
    if (current instanceof OutgoingError) return current
  return undefined
}

function outgoingFailure(error: OutgoingError): AppError {
  const isAway = error.fault === 'unreachable' || error.fault === 'too-slow'
  return isAway ? ssoErrors.providerUnavailable() : ssoErrors.providerFailed()
}

function isWwwAuthenticate(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'OAUTH_WWW_AUTHENTICATE_CHALLENGE'
}

function wordOf(text: string | undefined): string {
  return /^\w{1,64}$/.test(text ?? '') ? (text ?? '') : 'unknown'
}
