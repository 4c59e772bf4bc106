import type { TSchema } from 'typebox'
import { PROBLEM_CONTENT_TYPE, Problem } from './problem.ts'

/**
 * How the errors of some routes are written, where a protocol has a form of its own. What is an error, and its code, is
 * the same everywhere: a format only writes it down.
 */
export interface ErrorFormat {
  /** How the paths of these routes begin; whatever is answered below it is written like this, an unknown address too. */
  readonly prefix: string
  readonly mediaType: string
  /** Of the body, and its `$id`. */
  readonly schema: TSchema
  readonly schemaId: string
  /** The status that this protocol has for one of ours. */
  readonly statusOf: (status: number) => number
  /** The body. Its status is `statusOf` of the problem's. */
  readonly write: (problem: Problem) => object
}

/** RFC 9457: what every route answers that no other format is declared for. */
export const PROBLEM_FORMAT: ErrorFormat = {
  prefix: '/',
  mediaType: 'application/problem+json',
  schema: Problem,
  schemaId: 'Problem',
  statusOf: (status) => status,
  write: (problem) => problem,
}

/** The format of a route, or of an address that has none. */
export type ErrorFormatOf = (path: string) => ErrorFormat

/**
 * @param formats declared ones; the first whose prefix fits counts
 * @throws when a prefix would take in everything
 */
export function createErrorFormats(formats: readonly ErrorFormat[]): ErrorFormatOf {
  for (const { prefix } of formats)
    if (!/^\/\w.*\/$/.test(prefix)) throw new Error(`An error format cannot have the prefix "${prefix}"`)
  return (path) => formats.find(({ prefix }) => path.startsWith(prefix)) ?? PROBLEM_FORMAT
}

/** The media type of a format as it is sent. */
export function contentTypeOf({ mediaType }: ErrorFormat): string {
  return mediaType === PROBLEM_FORMAT.mediaType ? PROBLEM_CONTENT_TYPE : `${mediaType}; charset=utf-8`
}
