import type { FastifyInstance } from 'fastify'
import { parseJson } from './parse.ts'

/**
 * Makes JSON the only kind of body, read by our own parser. A `charset` in the content type changes nothing: JSON has
 * no such parameter and is always UTF-8 (RFC 8259, section 11).
 */
export function acceptJsonOnly(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body: Buffer, done) => {
    let value: unknown
    try {
      value = parseJson(body)
    } catch (error) {
      done(error as Error)
      return
    }
    done(null, value)
  })
}
