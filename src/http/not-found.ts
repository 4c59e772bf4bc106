import type { FastifyInstance, FastifyRequest, HTTPMethods } from 'fastify'
import type { AppError } from '../platform/index.ts'
import { httpErrors } from './errors.ts'

const METHODS: readonly HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * Says why nothing was found: the address is unknown (404), or it is known and takes other methods (405, with `Allow`
 * as RFC 9110, section 15.5.6 demands). Fastify itself makes no difference.
 */
export function nothingFound(server: FastifyInstance, request: FastifyRequest): AppError {
  const [url = '/'] = request.url.split('?', 1)
  const allowed = METHODS.filter((method) => server.findRoute({ method, url }) !== null)
  if (allowed.length === 0) return httpErrors.notFound()
  return httpErrors.methodNotAllowed({ headers: { allow: allowed.join(', ') } })
}
