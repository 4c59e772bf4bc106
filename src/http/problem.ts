import { type Static, Type } from 'typebox'
import type { AppError, ErrorCatalogue, ErrorDefinition } from '../platform/index.ts'
import { httpErrors } from './errors.ts'

/** Where `type` URIs begin. The rest is the error's code, and the server's own `/problems/<code>` explains it. */
export const PROBLEM_TYPE_BASE = 'https://tenantry.dev/problems/'

/** RFC 9457 names the media type; the charset is ours, because every body of this server is UTF-8. */
export const PROBLEM_CONTENT_TYPE = 'application/problem+json; charset=utf-8'

/** The body of every answer of 400 and above (RFC 9457). */
export const Problem = Type.Object(
  {
    type: Type.String({
      format: 'uri',
      description: 'Identifies the kind of problem; open it to read more.',
    }),
    title: Type.String({ description: 'The kind of problem in a few words; the same for every occurrence.' }),
    status: Type.Integer({ minimum: 400, maximum: 599 }),
    detail: Type.String({ description: 'What happened, and what to do next.' }),
    instance: Type.String({ format: 'uri', description: 'The request id, as `urn:uuid:`.' }),
    code: Type.String({ description: 'The last part of `type`, for programs.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          pointer: Type.String({
            description:
              'JSON Pointer into the body, or `#/query/…`, `#/params/…`, `#/headers/…` for the other parts.',
          }),
          code: Type.String({ description: 'Which rule was broken.' }),
        }),
        { description: 'The places that broke a rule; never their values.' },
      ),
    ),
  },
  {
    $id: 'Problem',
    title: 'Problem',
    description: 'What went wrong, as RFC 9457 wants it.',
    additionalProperties: true,
  },
)
export type Problem = Static<typeof Problem>

/** Every kind of problem that this server may answer, by its code; a variant's key has its status too. */
export type ProblemCatalogue = ReadonlyMap<string, ErrorDefinition>

/**
 * Puts the shell's errors and those of all features into one catalogue.
 *
 * @throws when two kinds share a code: clients could not tell them apart
 */
export function collectProblems(catalogues: readonly ErrorCatalogue[]): ProblemCatalogue {
  const problems = new Map<string, ErrorDefinition>()
  for (const { definition } of [httpErrors, ...catalogues].flatMap((catalogue) => Object.values(catalogue))) {
    const { code, status, isVariant } = definition
    const key = isVariant ? `${code} ${status}` : code
    const other = problems.get(key)
    if (other && other !== definition) throw new Error(`Two errors have the code "${key}"`)
    problems.set(key, definition)
  }
  return problems
}

/**
 * Says what a client may read of an error. A 5xx tells of our side, so it shows its kind's fixed text, never what was
 * written where it was thrown.
 */
export function toProblem(error: AppError, requestId: string, problems: ProblemCatalogue): Problem {
  const fixed =
    error.status < 500 ? undefined : (problems.get(error.code) ?? httpErrors.internalError.definition)
  return {
    ...(error.status < 500 && error.members),
    type: PROBLEM_TYPE_BASE + error.code,
    title: error.title,
    status: error.status,
    detail: fixed?.detail ?? error.message,
    instance: `urn:uuid:${requestId}`,
    code: error.code,
    ...(error.errors && { errors: [...error.errors] }),
  }
}
