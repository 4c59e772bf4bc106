import type { FastifyInstance } from 'fastify'
import { parseJson } from './parse.ts'

/**
 * Makes JSON the only kind of body, read by our own parser. A `charset` in the content type changes nothing: JSON has
 * no such parameter and is always UTF-8 (RFC 8259, section 11).
 */
export function acceptJsonOnly(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    parseInto(body, done)
  })
}

/**
 * Lets the routes of one plugin take JSON under the name that their protocol gives it too. A body of no bytes is none
 * there: some of its clients name a type and send nothing.
 */
export function acceptJsonAs(scope: Pick<FastifyInstance, 'addContentTypeParser'>, mediaType: string): void {
  scope.addContentTypeParser(mediaType, { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    if (body.length === 0) done(null, undefined)
    else parseInto(body, done)
  })
}

function parseInto(body: Buffer, done: (error: Error | null, value?: unknown) => void): void {
  let value: unknown
  try {
    value = parseJson(body)
  } catch (error) {
    done(error as Error)
    return
  }
  done(null, value)
}
