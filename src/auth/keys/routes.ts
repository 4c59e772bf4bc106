import { Type } from 'typebox'
import { Exactly, type HttpServer, RATE, responses } from '../../http/index.ts'
import type { KeyRing } from './key-ring.ts'
import { PublicJwk } from './key-set.ts'

/** RFC 7517 section 5. */
const JwkSet = Exactly({ keys: Type.Array(PublicJwk) }, { $id: 'JwkSet' })

/** A small part of the 24 hours for which a key is published before it signs. */
const CACHE = 'public, max-age=300'

/** Publishes what others need to verify access tokens. Answered from memory. */
export function keyRoutes(server: HttpServer, { keys }: { readonly keys: KeyRing }): void {
  server.get(
    '/.well-known/jwks.json',
    {
      config: { rateLimit: RATE.standard },
      schema: {
        operationId: 'getKeys',
        summary: 'The public keys that verify access tokens',
        description:
          'Ed25519 keys of both kinds of tokens: those that sign, those that are about to, and those whose tokens are ' +
          'still good. Ask again for a `kid` that you do not know, at most once in five minutes.',
        tags: ['auth'],
        security: [],
        response: responses({ 200: JwkSet }, [], {
          'cache-control': Type.String({ description: 'May be kept for five minutes.' }),
        }),
      },
    },
    async (_request, reply) => {
      reply.header('cache-control', CACHE)
      return { keys: [...keys.published] }
    },
  )
}
