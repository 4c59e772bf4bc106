import type { TSchema } from 'typebox'
import type { ErrorDefinition, ErrorFactory } from '../platform/index.ts'

/** Successful answers by status. */
export type SuccessResponses = Readonly<Record<number, TSchema>>

/** Headers of successful answers, by name. */
export type ResponseHeaders = Readonly<Record<string, TSchema>>

/** What the API description tells of a route besides its schemas. */
interface Documented {
  readonly errors: readonly ErrorDefinition[]
  readonly headers: ResponseHeaders
}

const documented = new WeakMap<object, Documented>()

/**
 * Describes what a route answers: `response: responses({ 201: Organization }, [organizationErrors.slugTaken])`.
 * The errors go into the API description only. They are thrown, so the route's own type knows success alone. What any
 * route may answer, and what its guard refuses with, is added without being listed.
 *
 * @param success schemas by status; what they do not list is dropped from the answer
 * @param errors the kinds of error that this route throws
 * @param headers those that its successful answers have besides every answer's; also for the API description only
 */
export function responses<Success extends SuccessResponses>(
  success: Success,
  errors: readonly ErrorFactory[] = [],
  headers: ResponseHeaders = {},
): Success {
  const copy = { ...success }
  documented.set(copy, { errors: errors.map(({ definition }) => definition), headers })
  return copy
}

/** What `responses()` was told of besides schemas, for the API description. */
export function documentedBy(response: unknown): Documented {
  const known = typeof response === 'object' && response !== null ? documented.get(response) : undefined
  return known ?? { errors: [], headers: {} }
}
