import type { KeyGuard } from '../auth/index.ts'
import type { Publisher } from '../events/index.ts'
import { acceptJsonAs, type HttpServer, responses } from '../http/index.ts'
import type { Provisioning } from '../members/index.ts'
import type { Permission } from '../users/index.ts'
import { discoveryRoutes } from './discovery/routes.ts'
import { scimErrors } from './errors.ts'
import type { ScimEvents } from './events.ts'
import { directoryGroupRoutes } from './groups/routes.ts'
import { createDirectoryGroups } from './groups/service.ts'
import { BulkBody, Done, SCIM_DESCRIBED, SCIM_ROUTE, TenantParams } from './schemas.ts'
import { SCIM_MEDIA_TYPE, SCIM_PREFIX } from './urns.ts'
import { directoryUserRoutes } from './users/routes.ts'
import { createDirectoryUsers } from './users/service.ts'

export interface ScimRoutesOptions {
  readonly keyGuard: KeyGuard
  readonly provisioning: Provisioning
  readonly events: Publisher<ScimEvents>
}

/** SCIM 2.0 (RFC 7643, 7644): an organization's directory keeps its users and groups here like itself. */
export function scimRoutes(server: HttpServer, { keyGuard, provisioning, events }: ScimRoutesOptions): void {
  const guard = keyGuard(({ params }) => Object(params).tenant_id).requires(
    'directory.provision' satisfies Permission,
  )
  // A plugin, because the media type is that of these routes alone.
  server.register((scope: HttpServer, _options, done) => {
    acceptJsonAs(scope, SCIM_MEDIA_TYPE)
    scope.addHook('preSerialization', (_request, reply, payload, next) => {
      reply.header('content-type', `${SCIM_MEDIA_TYPE}; charset=utf-8`)
      next(null, payload)
    })
    discoveryRoutes(scope)
    directoryUserRoutes(scope, { guard, users: createDirectoryUsers({ provisioning, events }) })
    directoryGroupRoutes(scope, { guard, groups: createDirectoryGroups({ events }) })
    scope.post(
      `${SCIM_PREFIX}:tenant_id/Bulk`,
      {
        ...SCIM_ROUTE,
        onRequest: guard.onRequest,
        schema: {
          ...SCIM_DESCRIBED,
          operationId: 'bulkScim',
          summary: 'Not supported: send the requests one by one',
          params: TenantParams,
          body: BulkBody,
          response: responses(Done, [scimErrors.notImplemented]),
        },
      },
      async () => {
        throw scimErrors.notImplemented()
      },
    )
    done()
  })
}
