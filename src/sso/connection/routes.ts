import { Type } from 'typebox'
import { secondFactorErrors, stepUpGuard, type TenantPrincipal } from '../../auth/index.ts'
import { type HttpServer, httpErrors, type PermissionGuard, responses } from '../../http/index.ts'
import type { Id } from '../../platform/index.ts'
import type { Permission } from '../../users/index.ts'
import { ssoErrors } from '../errors.ts'
import { ConnectionBody, ConnectionUpdate, presentConnection, readConnection } from './schemas.ts'
import type { ConnectionService } from './service.ts'

export interface ConnectionRoutesOptions {
  readonly connections: ConnectionService
  readonly tenantGuard: PermissionGuard<TenantPrincipal>
  /** Where an organization's provider sends browsers back to. */
  readonly redirectUriOf: (tenantId: Id) => string
}

const PATH = '/api/v1/organization/sso'
const DESCRIBED = { tags: ['sso'] }
/** A provider that hangs is given up after five seconds; then there is our own work. */
const TIMEOUT_MS = 15_000

/** An organization's identity provider. */
export function connectionRoutes(server: HttpServer, options: ConnectionRoutesOptions): void {
  const { connections, tenantGuard, redirectUriOf } = options
  const guard = tenantGuard.requires('organization.sso' satisfies Permission)
  // Who owns the door owns the organization.
  const onRequest = [guard.onRequest, stepUpGuard(guard).onRequest]

  server.get(PATH, { onRequest: guard.onRequest, schema: GET }, async (request) => {
    const { tenant } = guard.admitted(request)
    return presentConnection(await connections.find(tenant), redirectUriOf(tenant.tenantId))
  })
  server.put(PATH, { onRequest, config: { timeoutMs: TIMEOUT_MS }, schema: PUT }, async (request) => {
    const { tenant, user } = guard.admitted(request)
    const wish = readConnection(request.body)
    const connection = await connections.put(tenant, user.id, wish)
    return presentConnection(connection, redirectUriOf(tenant.tenantId))
  })
  server.delete(PATH, { onRequest, schema: DELETE }, async (request, reply) => {
    const { tenant, user } = guard.admitted(request)
    await connections.remove(tenant, user.id)
    return await reply.code(204).send(null)
  })
}

const GET = {
  ...DESCRIBED,
  operationId: 'getSsoConnection',
  summary: 'The identity provider of this organization',
  response: responses({ 200: ConnectionBody }, [httpErrors.notFound]),
}

const PUT = {
  ...DESCRIBED,
  operationId: 'putSsoConnection',
  summary: 'Let people in through an identity provider; it is asked at once whether it can be used',
  body: ConnectionUpdate,
  response: responses({ 200: ConnectionBody }, [
    ssoErrors.ssoIssuerUnusable,
    ssoErrors.ssoOnlyActive,
    secondFactorErrors.stepUpRequired,
  ]),
}

const DELETE = {
  ...DESCRIBED,
  operationId: 'deleteSsoConnection',
  summary: 'Let nobody in through the identity provider any more; members stay',
  response: responses({ 204: Type.Null({ description: 'Done.' }) }, [
    httpErrors.notFound,
    ssoErrors.ssoOnlyActive,
  ]),
}
