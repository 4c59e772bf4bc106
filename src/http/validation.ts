import type { FastifySchemaValidationError, FastifyServerOptions } from 'fastify'
import type { AppError, FieldError } from '../platform/index.ts'
import { httpErrors } from './errors.ts'
import { boundPointer, escapePointer } from './pointer.ts'

/**
 * A schema means what it says: `"1"` is no number, and what it does not list is refused rather than dropped. The same
 * holds for queries and path parameters, which are strings: describe a number there as a pattern.
 */
export const AJV_OPTIONS: NonNullable<FastifyServerOptions['ajv']> = {
  customOptions: {
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: true,
    // The first fault ends validation: a body of a thousand faults costs what one costs.
    allErrors: false,
    strict: true,
    // Nullable fields are `type: [string, null]`.
    allowUnionTypes: true,
  },
}

/** Our names for the rules of JSON Schema: clients keep them when the validator changes. */
const CODES: Readonly<Record<string, string>> = {
  required: 'required',
  type: 'type',
  additionalProperties: 'unknown-property',
  unevaluatedProperties: 'unknown-property',
  propertyNames: 'invalid-name',
  minLength: 'too-short',
  maxLength: 'too-long',
  format: 'invalid-format',
  pattern: 'invalid-format',
  enum: 'not-allowed',
  const: 'not-allowed',
  minimum: 'too-small',
  exclusiveMinimum: 'too-small',
  maximum: 'too-large',
  exclusiveMaximum: 'too-large',
  multipleOf: 'not-a-multiple',
  minItems: 'too-few',
  minProperties: 'too-few',
  maxItems: 'too-many',
  maxProperties: 'too-many',
  uniqueItems: 'not-unique',
}

/** Where the pointers of each part of a request begin; those of the body are plain JSON Pointers. */
const POINTER_BASE: Readonly<Record<string, string>> = {
  body: '',
  querystring: '#/query',
  params: '#/params',
  headers: '#/headers',
}

/**
 * Turns what the validator found into `validation-failed`, without the values that it looked at.
 *
 * @param part `body`, `querystring`, `params` or `headers`
 */
export function validationError(errors: readonly FastifySchemaValidationError[], part: string): AppError {
  const base = POINTER_BASE[part] ?? ''
  return httpErrors.validationFailed({ errors: errors.map((error) => toFieldError(error, base)) })
}

function toFieldError(
  { keyword, instancePath, params }: FastifySchemaValidationError,
  base: string,
): FieldError {
  const name = params['missingProperty'] ?? params['additionalProperty'] ?? params['unevaluatedProperty']
  const pointer = typeof name === 'string' ? `${instancePath}/${escapePointer(name)}` : instancePath
  return { pointer: base + boundPointer(pointer), code: CODES[keyword] ?? 'invalid' }
}
