import type { FastifyReply, FastifyRequest } from 'fastify'
import {
  ETagHeader,
  type Guard,
  type HttpServer,
  httpErrors,
  IfMatchHeaders,
  readIfMatch,
  responses,
} from '../../http/index.ts'
import { type Directory, memberErrors } from '../../members/index.ts'
import { policyErrors } from '../../organizations/index.ts'
import type { Id } from '../../platform/index.ts'
import { scimErrors } from '../errors.ts'
import { readPatch } from '../patch/message.ts'
import { ListQuery, listResponse, ProjectionQuery, readListQuery } from '../query.ts'
import { type Projection, project, readProjection } from '../resources/projection.ts'
import type { Attributes } from '../resources/read.ts'
import {
  Done,
  PatchBody,
  ResourceParams,
  SCIM_DESCRIBED,
  SCIM_ROUTE,
  ScimBody,
  ScimList,
  ScimResource,
  TenantParams,
} from '../schemas.ts'
import { SCIM_PREFIX, URN } from '../urns.ts'
import { locationOf, presentUser } from './present.ts'
import { readUser } from './resource.ts'
import type { DirectoryUsers, Expect } from './service.ts'
import { countUsers, listUsers, type StoredUser, USER_SEARCHES } from './store.ts'

export interface DirectoryUserRoutesOptions {
  readonly guard: Guard<Directory>
  readonly users: DirectoryUsers
}

const PATH = `${SCIM_PREFIX}:tenant_id/Users`
const WRITING = [httpErrors.notFound, httpErrors.preconditionFailed, ...Object.values(scimErrors)]
const CHANGING = [...WRITING, memberErrors.lastOwner, policyErrors.emailDomainNotAllowed]

/** Users of an organization, for its directory. */
export function directoryUserRoutes(server: HttpServer, options: DirectoryUserRoutesOptions): void {
  readingRoutes(server, options)
  creatingRoute(server, options)
  changingRoutes(server, options)
  removingRoute(server, options)
}

function readingRoutes(server: HttpServer, { guard, users }: DirectoryUserRoutesOptions): void {
  server.get(
    PATH,
    {
      ...SCIM_ROUTE,
      onRequest: guard.onRequest,
      schema: {
        ...SCIM_DESCRIBED,
        operationId: 'listScimUsers',
        summary: 'Users, in the order in which they came; also those that the directory did not make',
        params: TenantParams,
        querystring: ListQuery,
        response: responses({ 200: ScimList }, [scimErrors.invalidFilter]),
      },
    },
    async (request) => {
      const { tenant } = guard.admitted(request)
      const { wanted, page, projection } = readListQuery(request.query, USER_SEARCHES, URN.user)
      const total = await countUsers(tenant, wanted)
      const found = page.limit === 0 ? [] : await listUsers(tenant, wanted, page)
      const resources = found.map((user) => project(presentUser(user, tenant.tenantId), projection))
      return listResponse(total, page, resources)
    },
  )
  server.get(
    `${PATH}/:id`,
    {
      ...SCIM_ROUTE,
      onRequest: guard.onRequest,
      schema: {
        ...SCIM_DESCRIBED,
        operationId: 'getScimUser',
        summary: 'One user',
        params: ResourceParams,
        querystring: ProjectionQuery,
        response: responses({ 200: ScimResource }, [httpErrors.notFound], ETagHeader),
      },
    },
    async (request, reply) => {
      const { tenant } = guard.admitted(request)
      const projection = readProjection(request.query, URN.user)
      return tagged(reply, await users.find(tenant, request.params.id), tenant.tenantId, projection)
    },
  )
}

function creatingRoute(server: HttpServer, { guard, users }: DirectoryUserRoutesOptions): void {
  server.post(
    PATH,
    {
      ...SCIM_ROUTE,
      onRequest: guard.onRequest,
      schema: {
        ...SCIM_DESCRIBED,
        operationId: 'createScimUser',
        summary: 'Make a user, without a password: the organization’s sign-on lets it in',
        params: TenantParams,
        querystring: ProjectionQuery,
        body: ScimBody,
        response: responses(
          { 201: ScimResource },
          [...Object.values(scimErrors), policyErrors.emailDomainNotAllowed],
          ETagHeader,
        ),
      },
    },
    async (request, reply) => {
      const directory = guard.admitted(request)
      const { tenantId } = directory.tenant
      const projection = readProjection(request.query, URN.user)
      const created = await users.create(directory, readUser(request.body))
      reply.code(201).header('location', locationOf(tenantId, 'Users', created.user.id))
      return tagged(reply, created, tenantId, projection)
    },
  )
}

function changingRoutes(server: HttpServer, { guard, users }: DirectoryUserRoutesOptions): void {
  const described = {
    ...SCIM_DESCRIBED,
    params: ResourceParams,
    querystring: ProjectionQuery,
    headers: IfMatchHeaders,
    response: responses({ 200: ScimResource }, CHANGING, ETagHeader),
  }
  const route = { ...SCIM_ROUTE, onRequest: guard.onRequest, preValidation: checkIfMatch }
  server.put(
    `${PATH}/:id`,
    {
      ...route,
      schema: {
        ...described,
        operationId: 'replaceScimUser',
        summary: 'Make a user what the body says; what is absent goes, but for "active"',
        body: ScimBody,
      },
    },
    async (request, reply) => {
      const directory = guard.admitted(request)
      const { tenantId } = directory.tenant
      const projection = readProjection(request.query, URN.user)
      const wanted = readUser(request.body)
      const user = await users.replace(directory, request.params.id, wanted, expectation(request, tenantId))
      return tagged(reply, user, tenantId, projection)
    },
  )
  server.patch(
    `${PATH}/:id`,
    {
      ...route,
      schema: {
        ...described,
        operationId: 'patchScimUser',
        summary: 'Change parts of a user; "active": false ends every session at once',
        body: PatchBody,
      },
    },
    async (request, reply) => {
      const directory = guard.admitted(request)
      const { tenantId } = directory.tenant
      const projection = readProjection(request.query, URN.user)
      const operations = readPatch(request.body)
      const user = await users.patch(directory, request.params.id, operations, expectation(request, tenantId))
      return tagged(reply, user, tenantId, projection)
    },
  )
}

function removingRoute(server: HttpServer, { guard, users }: DirectoryUserRoutesOptions): void {
  server.delete(
    `${PATH}/:id`,
    {
      ...SCIM_ROUTE,
      onRequest: guard.onRequest,
      preValidation: checkIfMatch,
      schema: {
        ...SCIM_DESCRIBED,
        operationId: 'deleteScimUser',
        summary: 'Remove a user from the organization; it can be made again',
        params: ResourceParams,
        headers: IfMatchHeaders,
        response: responses(Done, [
          httpErrors.notFound,
          httpErrors.preconditionFailed,
          memberErrors.lastOwner,
        ]),
      },
    },
    async (request, reply) => {
      const directory = guard.admitted(request)
      await users.remove(directory, request.params.id, expectation(request, directory.tenant.tenantId))
      return await reply.code(204).send(null)
    },
  )
}

async function checkIfMatch(request: FastifyRequest): Promise<void> {
  readIfMatch(request)
}

function expectation(request: FastifyRequest, tenantId: Id): Expect {
  const isMeant = readIfMatch(request)
  return (current) => {
    if (isMeant && !isMeant(tagOf(presentUser(current, tenantId)))) throw httpErrors.preconditionFailed()
  }
}

function tagOf({ meta }: Attributes): string {
  return String(Object(meta).version)
}

function tagged(reply: FastifyReply, stored: StoredUser, tenantId: Id, projection: Projection): Attributes {
  const resource = presentUser(stored, tenantId)
  reply.header('etag', tagOf(resource))
  return project(resource, projection)
}
