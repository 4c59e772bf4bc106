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
import type { Directory } from '../../members/index.ts'
import type { TenantDb } from '../../tenancy/index.ts'
import { scimErrors } from '../errors.ts'
import { readPatch } from '../patch/message.ts'
import { ListQuery, listResponse, ProjectionQuery, readListQuery } from '../query.ts'
import { type Projection, readProjection } from '../resources/projection.ts'
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
import { locationOf } from '../users/present.ts'
import { readGroupPatch } from './patch.ts'
import { groupTag } from './present.ts'
import { readGroup } from './resource.ts'
import { type DirectoryGroups, type ExpectGroup, replacing } from './service.ts'
import { countGroups, GROUP_SEARCHES, type StoredGroup } from './store.ts'
import { showGroups, showPage } from './views.ts'

export interface DirectoryGroupRoutesOptions {
  readonly guard: Guard<Directory>
  readonly groups: DirectoryGroups
}

const PATH = `${SCIM_PREFIX}:tenant_id/Groups`
const WRITING = [httpErrors.notFound, httpErrors.preconditionFailed, ...Object.values(scimErrors)]

/** Groups of an organization's directory. */
export function directoryGroupRoutes(server: HttpServer, options: DirectoryGroupRoutesOptions): void {
  readingRoutes(server, options)
  creatingRoute(server, options)
  changingRoutes(server, options)
  removingRoute(server, options)
}

function readingRoutes(server: HttpServer, { guard, groups }: DirectoryGroupRoutesOptions): void {
  server.get(
    PATH,
    {
      ...SCIM_ROUTE,
      onRequest: guard.onRequest,
      schema: {
        ...SCIM_DESCRIBED,
        operationId: 'listScimGroups',
        summary: 'Groups, in the order in which they came; a page ends early where they have many members',
        params: TenantParams,
        querystring: ListQuery,
        response: responses({ 200: ScimList }, [scimErrors.invalidFilter]),
      },
    },
    async (request) => {
      const { tenant } = guard.admitted(request)
      const { wanted, page, projection } = readListQuery(request.query, GROUP_SEARCHES, URN.group)
      const total = await countGroups(tenant, wanted)
      const resources = page.limit === 0 ? [] : await showPage(tenant, wanted, page, projection)
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
        operationId: 'getScimGroup',
        summary: 'One group with its members',
        params: ResourceParams,
        querystring: ProjectionQuery,
        response: responses({ 200: ScimResource }, [httpErrors.notFound], ETagHeader),
      },
    },
    async (request, reply) => {
      const { tenant } = guard.admitted(request)
      const projection = readProjection(request.query, URN.group)
      return await tagged(reply, tenant, await groups.find(tenant, request.params.id), projection)
    },
  )
}

function creatingRoute(server: HttpServer, { guard, groups }: DirectoryGroupRoutesOptions): void {
  server.post(
    PATH,
    {
      ...SCIM_ROUTE,
      onRequest: guard.onRequest,
      schema: {
        ...SCIM_DESCRIBED,
        operationId: 'createScimGroup',
        summary: 'Make a group',
        params: TenantParams,
        querystring: ProjectionQuery,
        body: ScimBody,
        response: responses({ 201: ScimResource }, Object.values(scimErrors), ETagHeader),
      },
    },
    async (request, reply) => {
      const directory = guard.admitted(request)
      const { tenant } = directory
      const projection = readProjection(request.query, URN.group)
      const created = await groups.create(directory, readGroup(request.body))
      reply.code(201).header('location', locationOf(tenant.tenantId, 'Groups', created.group.id))
      return await tagged(reply, tenant, created, projection)
    },
  )
}

function changingRoutes(server: HttpServer, { guard, groups }: DirectoryGroupRoutesOptions): void {
  const described = {
    ...SCIM_DESCRIBED,
    params: ResourceParams,
    querystring: ProjectionQuery,
    headers: IfMatchHeaders,
    response: responses({ 200: ScimResource }, WRITING, ETagHeader),
  }
  const route = { ...SCIM_ROUTE, onRequest: guard.onRequest, preValidation: checkIfMatch }
  server.put(
    `${PATH}/:id`,
    {
      ...route,
      schema: {
        ...described,
        operationId: 'replaceScimGroup',
        summary: 'Make a group what the body says; of more members than one request takes, send PATCHes',
        body: ScimBody,
      },
    },
    async (request, reply) => {
      const directory = guard.admitted(request)
      const projection = readProjection(request.query, URN.group)
      const patch = replacing(readGroup(request.body))
      const group = await groups.change(directory, request.params.id, patch, expectation(request))
      return await tagged(reply, directory.tenant, group, projection)
    },
  )
  server.patch(
    `${PATH}/:id`,
    {
      ...route,
      schema: {
        ...described,
        operationId: 'patchScimGroup',
        summary: 'Add and remove members, or change a name',
        body: PatchBody,
      },
    },
    async (request, reply) => {
      const directory = guard.admitted(request)
      const projection = readProjection(request.query, URN.group)
      const patch = readGroupPatch(readPatch(request.body))
      const group = await groups.change(directory, request.params.id, patch, expectation(request))
      return await tagged(reply, directory.tenant, group, projection)
    },
  )
}

function removingRoute(server: HttpServer, { guard, groups }: DirectoryGroupRoutesOptions): void {
  server.delete(
    `${PATH}/:id`,
    {
      ...SCIM_ROUTE,
      onRequest: guard.onRequest,
      preValidation: checkIfMatch,
      schema: {
        ...SCIM_DESCRIBED,
        operationId: 'deleteScimGroup',
        summary: 'Remove a group; its members stay in the organization',
        params: ResourceParams,
        headers: IfMatchHeaders,
        response: responses(Done, [httpErrors.notFound, httpErrors.preconditionFailed]),
      },
    },
    async (request, reply) => {
      await groups.remove(guard.admitted(request), request.params.id, expectation(request))
      return await reply.code(204).send(null)
    },
  )
}

async function checkIfMatch(request: FastifyRequest): Promise<void> {
  readIfMatch(request)
}

function expectation(request: FastifyRequest): ExpectGroup {
  const isMeant = readIfMatch(request)
  return (current) => {
    if (isMeant && !isMeant(groupTag(current))) throw httpErrors.preconditionFailed()
  }
}

async function tagged(
  reply: FastifyReply,
  tenant: TenantDb,
  stored: StoredGroup,
  projection: Projection,
): Promise<Attributes> {
  reply.header('etag', groupTag(stored))
  const [shown = {}] = await showGroups(tenant, [stored], projection)
  return shown
}
