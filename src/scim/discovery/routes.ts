import { type HttpServer, httpErrors, responses } from '../../http/index.ts'
import { scimErrors } from '../errors.ts'
import { ListQuery, listResponse } from '../query.ts'
import {
  PublicParams,
  PublicResourceParams,
  SCIM_DESCRIBED,
  SCIM_ROUTE,
  ScimList,
  ScimResource,
} from '../schemas.ts'
import { SCIM_PREFIX } from '../urns.ts'
import { locate, RESOURCE_TYPES, SCHEMAS, type StaticDocument, serviceProviderConfig } from './documents.ts'

const BASE = `${SCIM_PREFIX}:tenant_id`

/** What this server can do (RFC 7644, section 4). It is the same for every organization, and for those that do not exist. */
export function discoveryRoutes(server: HttpServer): void {
  server.get(
    `${BASE}/ServiceProviderConfig`,
    {
      ...SCIM_ROUTE,
      schema: {
        ...SCIM_DESCRIBED,
        operationId: 'getScimConfig',
        summary: 'What of SCIM this server supports',
        params: PublicParams,
        response: responses({ 200: ScimResource }),
      },
    },
    async (request) => serviceProviderConfig(request.params.tenant_id),
  )
  documentRoutes(server, {
    path: 'ResourceTypes',
    documents: RESOURCE_TYPES,
    one: { operationId: 'getScimResourceType', summary: 'One kind of resource' },
    all: { operationId: 'listScimResourceTypes', summary: 'The kinds of resources that there are' },
  })
  documentRoutes(server, {
    path: 'Schemas',
    documents: SCHEMAS,
    one: { operationId: 'getScimSchema', summary: 'The attributes of one kind of resource' },
    all: { operationId: 'listScimSchemas', summary: 'The attributes that resources have' },
  })
}

interface Described {
  readonly operationId: string
  readonly summary: string
}

interface Documents {
  readonly path: string
  readonly documents: readonly StaticDocument[]
  readonly one: Described
  readonly all: Described
}

function documentRoutes(server: HttpServer, { path, documents, one, all }: Documents): void {
  server.get(
    `${BASE}/${path}`,
    {
      ...SCIM_ROUTE,
      schema: {
        ...SCIM_DESCRIBED,
        ...all,
        params: PublicParams,
        querystring: ListQuery,
        response: responses({ 200: ScimList }, [scimErrors.filterRefused]),
      },
    },
    async (request) => {
      if (request.query.filter !== undefined) throw scimErrors.filterRefused()
      const { tenant_id: tenantId } = request.params
      const resources = documents.map((document) => locate(document, tenantId, path))
      return listResponse(documents.length, { offset: 0, limit: documents.length }, resources)
    },
  )
  server.get(
    `${BASE}/${path}/:id`,
    {
      ...SCIM_ROUTE,
      schema: {
        ...SCIM_DESCRIBED,
        ...one,
        params: PublicResourceParams,
        response: responses({ 200: ScimResource }, [httpErrors.notFound]),
      },
    },
    async (request) => {
      const found = documents.find(({ id }) => id.toLowerCase() === request.params.id.toLowerCase())
      if (!found) throw httpErrors.notFound()
      return locate(found, request.params.tenant_id, path)
    },
  )
}
