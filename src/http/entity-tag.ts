import { hash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { httpErrors } from './errors.ts'

/** Of 64 digits: two bodies do not meet in so many, and a header is read by people too. */
const DIGITS = 32

/** A list of RFC 9110, section 5.6.1.2: empty elements are allowed and mean nothing. */
const LIST =
  /^[ \t,]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:[ \t]*,[ \t,]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*[ \t,]*$/

const TAG = /(?:W\/)?"[^"]*"/g

/** The header of an answer that has an entity tag, for `responses()`. */
export const ETagHeader = {
  ETag: Type.String({ description: 'Names exactly this body, for `If-Match`.' }),
}

/**
 * The header of a route that changes what it answers, for its `schema.headers`. `readIfMatch` is what refuses a
 * malformed one, so the route calls it before validation too: `preValidation`.
 */
export const IfMatchHeaders = Type.Object({
  'If-Match': Type.Optional(
    Type.String({
      description:
        'Change it only if its `ETag` is still one of these: `"tag"`, `"one", "other"`, or `*` for any. Otherwise the ' +
        'answer is 412, and nothing is changed. A weak tag (`W/"tag"`) is never the same. Without the header, and ' +
        'whatever `If-None-Match` and `Range` say, the change is made.',
    }),
  ),
})

/**
 * The strong entity tag of a body: equal for equal bodies and for no others (RFC 9110, section 8.8.3).
 *
 * @param body what is sent as JSON
 */
export function entityTagOf(body: unknown): string {
  // In hexadecimal, because letters of all kinds may look like a piece of a token.
  return `"${hash('sha256', JSON.stringify(body), 'hex').slice(0, DIGITS)}"`
}

/**
 * Reads `If-Match` (RFC 9110, section 13.1.1). One that is repeated arrives joined, and is one list.
 *
 * @returns says whether an entity tag is one of those that were sent; `undefined` when the header is absent
 * @throws httpErrors.malformedRequest unless it is `*` or a list of entity tags
 */
export function readIfMatch(request: Pick<FastifyRequest, 'raw'>): ((tag: string) => boolean) | undefined {
  const value = request.raw.headers['if-match']
  if (value === undefined) return undefined
  if (value === '*') return () => true
  if (!LIST.test(value))
    throw httpErrors.malformedRequest({
      detail: 'Send "If-Match" as "*", or as entity tags in quotation marks with commas between them.',
    })
  // A weak one keeps its prefix here, which no strong one has.
  const tags = new Set(value.match(TAG))
  return (tag) => tags.has(tag)
}
