import type { TSchema } from 'typebox'
import type { ErrorDefinition, ErrorFactory } from '../platform/index.ts'

/** Successful answers by status. */
export type SuccessResponses = Readonly<Record<number, TSchema>>

const documented = new WeakMap<object, readonly ErrorDefinition[]>()

/**
 * Describes what a route answers: `response: responses({ 201: Organization }, [organizationErrors.slugTaken])`.
 * The errors go into the API description only. They are thrown, so the route's own type knows success alone. What any
 * route may answer, and what its guard refuses with, is added without being listed.
 *
 * @param success schemas by status; what they do not list is dropped from the answer
 * @param errors the kinds of error that this route throws
 */
export function responses<Success extends SuccessResponses>(
  success: Success,
  errors: readonly ErrorFactory[] = [],
): Success {
  const copy = { ...success }
  documented.set(
    copy,
    errors.map(({ definition }) => definition),
  )
  return copy
}

/** The errors that `responses()` was told of, for the API description. */
export function documentedErrors(response: unknown): readonly ErrorDefinition[] {
  return (typeof response === 'object' && response !== null && documented.get(response)) || []
}
