import { Type } from 'typebox'
import {
  type Cursors,
  Exactly,
  type Guard,
  type HttpServer,
  httpErrors,
  Id,
  type PermissionGuard,
  type RatePolicy,
  readPage,
  responses,
} from '../../http/index.ts'
import type { CoreDb } from '../../tenancy/index.ts'
import { tenancyErrors } from '../../tenancy/index.ts'
import type { Permission } from '../../users/index.ts'
import type { CorePrincipal, TenantPrincipal } from '../guards.ts'
import { limitedEverywhere } from '../routes.ts'
import { stepUpGuard } from '../second-factor/step-up.ts'
import { originOf } from '../sessions/origin.ts'
import type { Throttle } from '../throttle/throttle.ts'
import { impersonationErrors } from './errors.ts'
import {
  ImpersonationPage,
  ImpersonationParams,
  ImpersonationToken,
  ListQuery,
  presentImpersonation,
  presentStarted,
  readWish,
  StartBody,
} from './schemas.ts'
import type { Impersonations } from './service.ts'
import { type Impersonation, listOfOrganization, listOfPlatform } from './store.ts'

export interface ImpersonationRoutesOptions {
  readonly core: CoreDb
  readonly impersonations: Impersonations
  readonly cursors: Cursors
  readonly adminGuard: Guard<CorePrincipal>
  readonly tenantGuard: PermissionGuard<TenantPrincipal>
  readonly throttle: Pick<Throttle, 'spend'>
}

const OF_PLATFORM = '/api/v1/admin/impersonations'
const OF_ORGANIZATION = '/api/v1/organization/impersonations'
const Done = { 204: Type.Null({ description: 'Done.' }) }
const RATE: RatePolicy = { name: 'impersonation', limit: 30, windowSeconds: 60 }

/** Acting as a user of an organization: for those who operate the platform, in sight of those who run the organization. */
export function impersonationRoutes(server: HttpServer, options: ImpersonationRoutesOptions): void {
  startRoute(server, options)
  platformRoutes(server, options)
  organizationRoutes(server, options)
}

function startRoute(server: HttpServer, options: ImpersonationRoutesOptions): void {
  const { impersonations, adminGuard, throttle } = options
  server.post(
    '/api/v1/admin/organizations/:id/impersonation',
    {
      onRequest: [adminGuard.onRequest, stepUpGuard(adminGuard).onRequest],
      ...limitedEverywhere(throttle, RATE),
      schema: {
        operationId: 'startImpersonation',
        summary: 'Act as a user of an organization, for a short time and in its sight',
        tags: ['admin'],
        params: Exactly({ id: Id }),
        body: StartBody,
        response: responses({ 201: ImpersonationToken }, [
          httpErrors.notFound,
          ...Object.values(impersonationErrors),
          ...Object.values(tenancyErrors),
        ]),
      },
    },
    async (request, reply) => {
      const [admin, wish] = [adminGuard.admitted(request), readWish(request.body)]
      const started = await impersonations.start(admin, request.params.id, wish, originOf(request))
      reply.code(201)
      return presentStarted(started)
    },
  )
}

function platformRoutes(server: HttpServer, options: ImpersonationRoutesOptions): void {
  const { core, impersonations, cursors, adminGuard } = options
  const guarded = { onRequest: adminGuard.onRequest }
  const described = { tags: ['admin'] }
  server.get(OF_PLATFORM, { ...guarded, schema: { ...described, ...LIST_ALL } }, async (request) => {
    const read = (after: string | undefined, limit: number) => listOfPlatform(core, after, limit)
    const list = { cursors, name: 'impersonations', read, positionOf }
    const { items, next_cursor } = await readPage(list, request.query)
    return { items: items.map(presentImpersonation), next_cursor }
  })
  server.delete(
    `${OF_PLATFORM}/:id`,
    { ...guarded, schema: { ...described, ...END_ANY } },
    async (request, reply) => {
      await impersonations.endForPlatform(adminGuard.admitted(request).user.id, request.params.id)
      return await reply.code(204).send(null)
    },
  )
}

function organizationRoutes(server: HttpServer, options: ImpersonationRoutesOptions): void {
  const { impersonations, cursors, tenantGuard } = options
  const reading = tenantGuard.requires('impersonations.read' satisfies Permission)
  const ending = tenantGuard.requires('impersonations.end' satisfies Permission)
  const described = { tags: ['members'] }
  server.get(
    OF_ORGANIZATION,
    { onRequest: reading.onRequest, schema: { ...described, ...LIST_OURS } },
    async (request) => {
      const { tenant } = reading.admitted(request)
      const read = (after: string | undefined, limit: number) => listOfOrganization(tenant, after, limit)
      const list = { cursors, name: `impersonations ${tenant.tenantId}`, read, positionOf }
      const { items, next_cursor } = await readPage(list, request.query)
      return { items: items.map(presentImpersonation), next_cursor }
    },
  )
  server.delete(
    `${OF_ORGANIZATION}/:id`,
    { onRequest: ending.onRequest, schema: { ...described, ...END_OURS } },
    async (request, reply) => {
      const { tenant, user } = ending.admitted(request)
      await impersonations.endForOrganization(tenant, user.id, request.params.id)
      return await reply.code(204).send(null)
    },
  )
}

const positionOf = ({ id }: Pick<Impersonation, 'id'>) => id

const LISTING = { querystring: ListQuery, response: responses({ 200: ImpersonationPage }) }
const ENDING = { params: ImpersonationParams, response: responses(Done, [httpErrors.notFound]) }

const LIST_ALL = {
  ...LISTING,
  operationId: 'listImpersonations',
  summary: 'Who of the platform acted as whom, and why, newest first',
}
const LIST_OURS = {
  ...LISTING,
  operationId: 'listOrganizationImpersonations',
  summary: 'Who of the platform acted as a member of this organization, and why, newest first',
}
const END_ANY = { ...ENDING, operationId: 'endImpersonation', summary: 'End an impersonation' }
const END_OURS = {
  ...ENDING,
  operationId: 'endOrganizationImpersonation',
  summary: 'End an impersonation of a member of this organization',
}
