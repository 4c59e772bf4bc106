import { type Guard, type HttpServer, httpErrors, responses } from '../http/index.ts'
import type { TenantDb } from '../tenancy/index.ts'
import { ProfileUpdate, presentTenantUser, readProfileUpdate, TenantUserBody } from './schemas.ts'
import type { UserService } from './service.ts'
import type { TenantUser } from './types.ts'

export interface UserRoutesOptions {
  readonly users: UserService
  readonly tenantGuard: Guard<{ readonly tenant: TenantDb; readonly user: TenantUser }>
}

const METADATA_MAX_BYTES = 16 * 1024

/** A tenant user's own profile. */
export function userRoutes(server: HttpServer, { users, tenantGuard }: UserRoutesOptions): void {
  server.get(
    '/api/v1/users/me',
    {
      onRequest: tenantGuard.onRequest,
      schema: {
        operationId: 'getMyProfile',
        summary: 'My profile in this organization',
        tags: ['users'],
        response: responses({ 200: TenantUserBody }),
      },
    },
    async (request) => presentTenantUser(tenantGuard.admitted(request).user),
  )

  server.put(
    '/api/v1/users/me',
    {
      onRequest: tenantGuard.onRequest,
      schema: {
        operationId: 'updateMyProfile',
        summary: 'Change my profile: absent fields stay, null clears',
        tags: ['users'],
        body: ProfileUpdate,
        response: responses({ 200: TenantUserBody }, [httpErrors.notFound]),
      },
    },
    async (request) => {
      const { tenant, user } = tenantGuard.admitted(request)
      const { metadata } = request.body
      if (metadata && Buffer.byteLength(JSON.stringify(metadata)) > METADATA_MAX_BYTES) {
        throw httpErrors.validationFailed({ errors: [{ pointer: '/metadata', code: 'too-large' }] })
      }
      return presentTenantUser(await users.changeProfile(tenant, user, readProfileUpdate(request.body)))
    },
  )
}
