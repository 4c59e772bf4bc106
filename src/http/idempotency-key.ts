import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { httpErrors } from './errors.ts'

const MAX_KEY = 255

/** As most clients write it. One that begins with a quotation mark is meant to be the other form. */
const BARE = /^(?!")[\x21-\x7e]{1,255}$/

/** A string of RFC 8941, section 3.3.3, without spaces. */
const QUOTED = /^"((?:[\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"$/

/**
 * The header of a route whose request may be repeated, for its `schema.headers`. `readIdempotencyKey` is what refuses a
 * malformed one, so the route calls it before validation too: `preValidation`.
 */
export const IdempotencyKeyHeaders = Type.Object({
  'Idempotency-Key': Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 2 * MAX_KEY + 2,
      pattern: '^[!-~]+$',
      description:
        `Names this request, so that it can be repeated without being done twice: 1 to ${MAX_KEY} visible ASCII ` +
        'characters, best a new UUID. `"key"` and `key` are the same key. Kept for 24 h, apart for each user. A repeat ' +
        'of a request that was answered 201 gets the same answer, with `Idempotent-Replayed: true`.',
    }),
  ),
})

/**
 * Reads `Idempotency-Key`, which the draft wants quoted and most clients send bare: both are the same key.
 *
 * @returns the key without quotation marks; `undefined` when the header is absent
 * @throws httpErrors.malformedRequest unless it is one key; a repeated header arrives joined, and is none
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07#section-2.1
 */
export function readIdempotencyKey(request: Pick<FastifyRequest, 'raw'>): string | undefined {
  const value = request.raw.headers['idempotency-key']
  if (value === undefined) return undefined
  if (typeof value === 'string') {
    if (BARE.test(value)) return value
    const quoted = QUOTED.exec(value)?.[1]
    if (quoted !== undefined) return quoted.replaceAll(/\\(.)/g, '$1')
  }
  throw httpErrors.malformedRequest({
    detail: `Send one "Idempotency-Key" of 1 to ${MAX_KEY} visible ASCII characters, or none.`,
  })
}
