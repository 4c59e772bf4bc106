import {
  type AppError,
  appErrorIn,
  type DatabaseFault,
  databaseFault,
  type ErrorFactory,
} from '../platform/index.ts'
import { httpErrors } from './errors.ts'

/** The framework's refusals by the status that it gave them; any other 4xx is the request's own fault too. */
const BY_STATUS: Readonly<Record<number, ErrorFactory>> = {
  403: httpErrors.notFound,
  404: httpErrors.notFound,
  405: httpErrors.methodNotAllowed,
  406: httpErrors.notAcceptable,
  408: httpErrors.requestTimeout,
  413: httpErrors.payloadTooLarge,
  414: httpErrors.uriTooLong,
  415: httpErrors.unsupportedMediaType,
  431: httpErrors.headersTooLarge,
}

/**
 * What a database error that nobody else understood means for the client. All of these pass with time. A missing
 * database or table is a fault of ours, but "try again" is still the truth, and the log has the rest.
 */
const BY_DATABASE_FAULT: Readonly<Record<DatabaseFault, ErrorFactory>> = {
  conflict: httpErrors.databaseUnavailable,
  timeout: httpErrors.databaseUnavailable,
  overloaded: httpErrors.overloaded,
  unavailable: httpErrors.databaseUnavailable,
  'missing-database': httpErrors.databaseUnavailable,
  forbidden: httpErrors.databaseUnavailable,
  'schema-mismatch': httpErrors.databaseUnavailable,
}

/** Gives the error that a client is answered with, whatever was thrown; the original stays as its cause. */
export function toAppError(thrown: unknown): AppError {
  // Also inside what a query builder wrapped around it.
  const expected = appErrorIn(thrown)
  if (expected) return expected
  const status = refusalStatus(thrown)
  if (status !== undefined) return (BY_STATUS[status] ?? httpErrors.malformedRequest)({ cause: thrown })
  const fault = databaseFault(thrown)
  const factory = fault === undefined ? httpErrors.internalError : BY_DATABASE_FAULT[fault]
  return factory({ cause: thrown })
}

/**
 * The 4xx that Fastify, its static files, or a body that broke off half-way ask for. Other errors with a `statusCode`
 * may be answers of some other server, and those are no business of our client.
 */
function refusalStatus(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || !('statusCode' in thrown)) return undefined
  const { statusCode, code, expose } = thrown as Error & {
    statusCode: unknown
    code?: unknown
    expose?: unknown
  }
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode >= 500) return undefined
  const ours = String(code).startsWith('FST_') || code === 'ECONNRESET' || expose === true
  return ours ? statusCode : undefined
}
