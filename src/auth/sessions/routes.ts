import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import { type Guard, type HttpServer, httpErrors, responses } from '../../http/index.ts'
import type { Id } from '../../platform/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import type { AccountPrincipal } from '../guards.ts'
import type { Realm } from './realm.ts'
import { EndSessionsQuery, presentSession, SessionBody, SessionParams } from './schemas.ts'
import type { Sessions } from './sessions.ts'

export interface SessionRoutesOptions {
  readonly core: CoreDb
  readonly sessions: Sessions
  readonly accountGuard: Guard<AccountPrincipal>
}

const PATH = '/api/v1/auth/sessions'
const DESCRIBED = { tags: ['auth'] }
const NOTHING = { 204: Type.Null({ description: 'Done.' }) }

/** Signing out, and what a person sees of the own sessions and ends: for platform and tenant users alike. */
export function sessionRoutes(server: HttpServer, options: SessionRoutesOptions): void {
  const { sessions, accountGuard } = options
  const guarded = { onRequest: accountGuard.onRequest }

  server.post(
    '/api/v1/auth/logout',
    { ...guarded, schema: { ...DESCRIBED, ...LOGOUT } },
    async (request, reply) => {
      const { realm, userId, sessionId } = callerOf(request, options)
      await sessions.end(realm, userId, sessionId, 'logout')
      return await reply.code(204).send(null)
    },
  )
  server.get(PATH, { ...guarded, schema: { ...DESCRIBED, ...LIST } }, async (request) => {
    const { realm, userId, sessionId } = callerOf(request, options)
    const listed = await sessions.list(realm, userId, sessionId)
    return listed.map((session) => presentSession(session, sessionId))
  })
  server.delete(
    `${PATH}/:id`,
    { ...guarded, schema: { ...DESCRIBED, ...END_ONE } },
    async (request, reply) => {
      const { realm, userId } = callerOf(request, options)
      if (!(await sessions.end(realm, userId, request.params.id, 'revoked')))
        throw httpErrors.notFound({ detail: 'You have no such session.' })
      return await reply.code(204).send(null)
    },
  )
  server.delete(PATH, { ...guarded, schema: { ...DESCRIBED, ...END_ALL } }, async (request, reply) => {
    const { realm, userId, sessionId } = callerOf(request, options)
    const except = request.query.except === 'current' ? sessionId : undefined
    await sessions.endAll(realm, userId, 'revoked', except)
    return await reply.code(204).send(null)
  })
}

const LOGOUT = {
  operationId: 'logout',
  summary: 'Sign out: end this session and every token of it',
  response: responses(NOTHING),
}

const LIST = {
  operationId: 'listMySessions',
  summary: 'My sessions: this one, then those used last, 100 at most',
  response: responses({ 200: Type.Array(SessionBody) }),
}

const END_ONE = {
  operationId: 'endMySession',
  summary: 'End one of my sessions',
  params: SessionParams,
  response: responses(NOTHING, [httpErrors.notFound]),
}

const END_ALL = {
  operationId: 'endMySessions',
  summary: 'End all my sessions, or all but this one',
  querystring: EndSessionsQuery,
  response: responses(NOTHING),
}

function callerOf(
  request: FastifyRequest,
  { core, accountGuard }: SessionRoutesOptions,
): { realm: Realm; userId: Id; sessionId: Id } {
  const principal = accountGuard.admitted(request)
  const realm: Realm =
    principal.scope === 'core' ? { scope: 'core', db: core } : { scope: 'tenant', db: principal.tenant }
  return { realm, userId: principal.user.id, sessionId: principal.sessionId }
}
