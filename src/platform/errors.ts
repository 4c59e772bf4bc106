/** One failing place in a request, RFC 9457 style: where it is and which rule it broke, never the value itself. */
export interface FieldError {
  /** JSON Pointer into the body (RFC 6901), or `#/query/name`, `#/headers/name`. */
  readonly pointer: string
  /** Stable reason, kebab-case. */
  readonly code: string
}

/** What a catalogue says of one kind of error. `code` is the public slug and never changes once released. */
export interface ErrorDefinition {
  readonly code: string
  /** HTTP status. */
  readonly status: number
  readonly title: string
  /** Safe text for the client: what to do next. */
  readonly detail: string
  /** Seconds after which the same request may be made again; becomes `Retry-After`. */
  readonly retryAfter?: number
  /** Sent with every answer of this kind, lower case. */
  readonly headers?: Readonly<Record<string, string>>
  /** Whether another definition has the code too, and this one is how certain routes answer it: with another status. */
  readonly isVariant?: boolean
}

/** What one throw may add to its definition. */
export interface ErrorOccurrence {
  readonly detail?: string
  readonly cause?: unknown
  readonly errors?: readonly FieldError[]
  readonly headers?: Readonly<Record<string, string>>
  readonly retryAfter?: number
  /** Members that the answer has besides the standard ones (RFC 9457 section 3.2); the client reads them. */
  readonly members?: Readonly<Record<string, unknown>>
}

/** An expected failure with a stable code. Everything else that is thrown is a bug and answers 500. */
export class AppError extends Error {
  override readonly name = 'AppError'
  readonly code: string
  readonly status: number
  readonly title: string
  readonly errors: readonly FieldError[] | undefined
  readonly headers: Readonly<Record<string, string>>
  readonly members: Readonly<Record<string, unknown>>

  constructor(definition: ErrorDefinition, occurrence: ErrorOccurrence = {}) {
    super(occurrence.detail ?? definition.detail, { cause: occurrence.cause })
    this.code = definition.code
    this.status = definition.status
    this.title = definition.title
    this.errors = occurrence.errors
    this.members = occurrence.members ?? {}
    const retryAfter = occurrence.retryAfter ?? definition.retryAfter
    this.headers = {
      ...(retryAfter === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(retryAfter))) }),
      ...definition.headers,
      ...occurrence.headers,
    }
  }
}

/** Makes one `AppError` of its kind; `definition` is what documentation and tests read. */
export interface ErrorFactory {
  (occurrence?: ErrorOccurrence): AppError
  readonly definition: ErrorDefinition
}

/** A feature's errors by name. */
export type ErrorCatalogue<Name extends string = string> = Readonly<Record<Name, ErrorFactory>>

/**
 * Turns a feature's table of errors into factories: `throw organizationErrors.slugTaken()`.
 *
 * @param definitions name -> definition
 */
export function defineErrors<Name extends string>(
  definitions: Readonly<Record<Name, ErrorDefinition>>,
): ErrorCatalogue<Name> {
  const factories = Object.entries<ErrorDefinition>(definitions).map(([name, definition]) => [
    name,
    Object.assign((occurrence?: ErrorOccurrence) => new AppError(definition, occurrence), { definition }),
  ])
  return Object.freeze(Object.fromEntries(factories))
}

/** Finds the expected failure in `error` or in what caused it: query builders wrap what a connection throws. */
export function appErrorIn(error: unknown): AppError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof AppError) return current
  }
  return undefined
}
