import type { FastifyReply } from 'fastify'
import type { Static } from 'typebox'
import {
  ETagHeader,
  entityTagOf,
  type HttpServer,
  httpErrors,
  IfMatchHeaders,
  type PermissionGuard,
  readIfMatch,
  responses,
} from '../http/index.ts'
import type { TenantDb } from '../tenancy/index.ts'
import type { Permission } from './permissions.ts'
import { ProfileUpdate, presentTenantUser, readProfileUpdate, TenantUserBody } from './schemas.ts'
import type { UserService } from './service.ts'
import type { Impersonator, TenantUser } from './types.ts'

export interface UserRoutesOptions {
  readonly users: UserService
  readonly tenantGuard: PermissionGuard<Caller>
}

interface Caller {
  readonly tenant: TenantDb
  readonly user: TenantUser
  readonly impersonator?: Impersonator | null
}

const METADATA_MAX_BYTES = 16 * 1024

/** A tenant user's own profile. */
export function userRoutes(server: HttpServer, options: UserRoutesOptions): void {
  readingRoute(server, options)
  changingRoute(server, options)
}

function readingRoute(server: HttpServer, { tenantGuard }: UserRoutesOptions): void {
  const guard = tenantGuard.requires('profile.read' satisfies Permission)
  server.get(
    '/api/v1/users/me',
    {
      onRequest: guard.onRequest,
      schema: {
        operationId: 'getMyProfile',
        summary: 'My profile in this organization',
        tags: ['users'],
        response: responses({ 200: TenantUserBody }, [], ETagHeader),
      },
    },
    async (request, reply) => {
      const { user, impersonator } = guard.admitted(request)
      return tagged(reply, presentTenantUser(user, impersonator))
    },
  )
}

function changingRoute(server: HttpServer, { users, tenantGuard }: UserRoutesOptions): void {
  const guard = tenantGuard.requires('profile.write' satisfies Permission)
  server.put(
    '/api/v1/users/me',
    {
      onRequest: guard.onRequest,
      preValidation: async (request) => void readIfMatch(request),
      schema: {
        operationId: 'updateMyProfile',
        summary: 'Change my profile: absent fields stay, null clears',
        tags: ['users'],
        headers: IfMatchHeaders,
        body: ProfileUpdate,
        response: responses(
          { 200: TenantUserBody },
          [httpErrors.notFound, httpErrors.preconditionFailed],
          ETagHeader,
        ),
      },
    },
    async (request, reply) => {
      const { tenant, user, impersonator } = guard.admitted(request)
      const present = (profile: TenantUser) => presentTenantUser(profile, impersonator)
      const { metadata } = request.body
      if (metadata && Buffer.byteLength(JSON.stringify(metadata)) > METADATA_MAX_BYTES) {
        throw httpErrors.validationFailed({ errors: [{ pointer: '/metadata', code: 'too-large' }] })
      }
      const isWanted = readIfMatch(request)
      const isExpected = isWanted && ((current: TenantUser) => isWanted(entityTagOf(present(current))))
      const changes = readProfileUpdate(request.body)
      const how = { isExpected, isActed: Boolean(impersonator) }
      return tagged(reply, present(await users.changeProfile(tenant, user, changes, how)))
    },
  )
}

/** The profile as it is sent, named in the header. */
function tagged(reply: FastifyReply, body: Static<typeof TenantUserBody>): Static<typeof TenantUserBody> {
  reply.header('etag', entityTagOf(body))
  return body
}
