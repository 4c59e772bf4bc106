import { Type } from 'typebox'
import {
  type Cursors,
  type Guard,
  type HttpServer,
  httpErrors,
  type PermissionGuard,
  readPage,
  responses,
} from '../../http/index.ts'
import type { Permission } from '../../users/index.ts'
import { authErrors } from '../errors.ts'
import { type Freshness, stepUpGuard } from '../second-factor/step-up.ts'
import { apiKeyErrors } from './errors.ts'
import {
  ApiKeyBody,
  ApiKeyPage,
  ApiKeyParams,
  ApiKeyQuery,
  ApiKeyRename,
  ApiKeyWish,
  DEFAULT_DAYS,
  NewApiKeyBody,
  presentApiKey,
} from './schemas.ts'
import type { ApiKeyService, KeyManager } from './service.ts'
import type { ApiKey } from './store.ts'

export interface ApiKeyRoutesOptions {
  readonly apiKeys: ApiKeyService
  readonly cursors: Cursors
  readonly tenantGuard: PermissionGuard<KeyManager & Freshness>
}

const PATH = '/api/v1/api-keys'
const DESCRIBED = { tags: ['api-keys'] }

/** Keys of an organization's machines, for those who run it. No key is let in here. */
export function apiKeyRoutes(
  server: HttpServer,
  { apiKeys, cursors, tenantGuard }: ApiKeyRoutesOptions,
): void {
  const guard = tenantGuard.requires('api_keys.manage' satisfies Permission)
  const guarded = { onRequest: guard.onRequest }
  const dangerous = { onRequest: [guard.onRequest, stepUpGuard(guard).onRequest] }

  server.post(PATH, { ...dangerous, schema: { ...DESCRIBED, ...CREATE } }, async (request, reply) => {
    const { name, scopes, expires_in_days: days = DEFAULT_DAYS } = request.body
    const wish = { name: name.normalize('NFC'), scopes, days }
    const { key, made } = await apiKeys.create(guard.admitted(request), wish)
    reply.code(201)
    return { ...presentApiKey(made), key }
  })
  listRoute(server, guard, { apiKeys, cursors })
  server.get(`${PATH}/:id`, { ...guarded, schema: { ...DESCRIBED, ...GET } }, async (request) =>
    presentApiKey(await apiKeys.find(guard.admitted(request).tenant, request.params.id)),
  )
  server.patch(`${PATH}/:id`, { ...guarded, schema: { ...DESCRIBED, ...RENAME } }, async (request) => {
    const name = request.body.name.normalize('NFC')
    return presentApiKey(await apiKeys.rename(guard.admitted(request), request.params.id, name))
  })
  server.delete(
    `${PATH}/:id`,
    { ...dangerous, schema: { ...DESCRIBED, ...REVOKE } },
    async (request, reply) => {
      await apiKeys.revoke(guard.admitted(request), request.params.id)
      return await reply.code(204).send(null)
    },
  )
}

function listRoute(
  server: HttpServer,
  guard: Guard<KeyManager>,
  { apiKeys, cursors }: Pick<ApiKeyRoutesOptions, 'apiKeys' | 'cursors'>,
): void {
  server.get(PATH, { onRequest: guard.onRequest, schema: { ...DESCRIBED, ...LIST } }, async (request) => {
    const { tenant } = guard.admitted(request)
    const { status } = request.query
    const list = {
      cursors,
      name: `api keys ${tenant.tenantId} ${status}`,
      read: (after: string | undefined, limit: number) => apiKeys.list(tenant, status, after, limit),
      positionOf: ({ id }: ApiKey) => id,
    }
    const { items, next_cursor } = await readPage(list, request.query)
    return { items: items.map(presentApiKey), next_cursor }
  })
}

const CREATE = {
  operationId: 'createApiKey',
  summary: 'Make an API key, which is shown this once',
  body: ApiKeyWish,
  response: responses({ 201: NewApiKeyBody }, [authErrors.permissionDenied, apiKeyErrors.tooManyKeys]),
}

const LIST = {
  operationId: 'listApiKeys',
  summary: 'API keys of this organization, newest first',
  querystring: ApiKeyQuery,
  response: responses({ 200: ApiKeyPage }),
}

const GET = {
  operationId: 'getApiKey',
  summary: 'One API key',
  params: ApiKeyParams,
  response: responses({ 200: ApiKeyBody }, [httpErrors.notFound]),
}

const RENAME = {
  operationId: 'renameApiKey',
  summary: 'Give an API key another name',
  params: ApiKeyParams,
  body: ApiKeyRename,
  response: responses({ 200: ApiKeyBody }, [httpErrors.notFound]),
}

const REVOKE = {
  operationId: 'revokeApiKey',
  summary: 'Revoke an API key; a second time changes nothing',
  params: ApiKeyParams,
  response: responses({ 204: Type.Null({ description: 'Done.' }) }, [httpErrors.notFound]),
}
