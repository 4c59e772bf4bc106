import { defineErrors } from '../platform/index.ts'

/** Seconds after which a client may try again when we do not know better. */
const SOON = 5

/** What the shell itself may answer to any request, whatever the route. */
export const httpErrors = defineErrors({
  malformedRequest: {
    code: 'malformed-request',
    status: 400,
    title: 'Malformed request',
    detail: 'The request is not valid HTTP, or its body is not valid JSON in UTF-8.',
  },
  validationFailed: {
    code: 'validation-failed',
    status: 422,
    title: 'Validation failed',
    detail: 'The request is well-formed but breaks the rules listed in "errors".',
  },
  notFound: {
    code: 'not-found',
    status: 404,
    title: 'Not found',
    detail: 'There is nothing at this address.',
  },
  methodNotAllowed: {
    code: 'method-not-allowed',
    status: 405,
    title: 'Method not allowed',
    detail: 'This address exists but does not take this method; "Allow" lists those that it takes.',
  },
  requestTimeout: {
    code: 'request-timeout',
    status: 408,
    title: 'Request timeout',
    detail: 'The request did not arrive in time.',
  },
  notAcceptable: {
    code: 'not-acceptable',
    status: 406,
    title: 'Not acceptable',
    detail: 'The answer is not available in any media type that "Accept" allows.',
  },
  preconditionFailed: {
    code: 'precondition-failed',
    status: 412,
    title: 'Precondition failed',
    detail: 'It is not what "If-Match" says any more, and was not changed. Read it again, then decide.',
  },
  payloadTooLarge: {
    code: 'payload-too-large',
    status: 413,
    title: 'Payload too large',
    detail: 'The body is larger, or has more members, than this address accepts.',
  },
  uriTooLong: {
    code: 'uri-too-long',
    status: 414,
    title: 'URI too long',
    detail: 'The path, the query, or one segment of the path is too long.',
  },
  unsupportedMediaType: {
    code: 'unsupported-media-type',
    status: 415,
    title: 'Unsupported media type',
    detail: 'Send the body as application/json, without a content encoding.',
  },
  rateLimited: {
    code: 'rate-limited',
    status: 429,
    title: 'Too many requests',
    detail: 'Too many requests; "Retry-After" says when to try again.',
  },
  headersTooLarge: {
    code: 'headers-too-large',
    status: 431,
    title: 'Request header fields too large',
    detail: 'The request has too many headers, or they are too long.',
  },
  internalError: {
    code: 'internal-error',
    status: 500,
    title: 'Internal error',
    detail: 'Something went wrong on our side. Quote "instance" when you report it.',
  },
  overloaded: {
    code: 'overloaded',
    status: 503,
    title: 'Overloaded',
    detail: 'There is more work than we can do in time; try again shortly.',
    retryAfter: SOON,
  },
  shuttingDown: {
    code: 'shutting-down',
    status: 503,
    title: 'Shutting down',
    detail: 'This process is shutting down; try again, and another one will answer.',
    retryAfter: 1,
  },
  databaseUnavailable: {
    code: 'database-unavailable',
    status: 503,
    title: 'Database unavailable',
    detail: 'The database cannot be reached right now; try again shortly.',
    retryAfter: SOON,
  },
  notReady: {
    code: 'not-ready',
    status: 503,
    title: 'Not ready',
    detail: 'This process is not ready to serve; "checks" says which of its needs is missing.',
    retryAfter: SOON,
  },
})
