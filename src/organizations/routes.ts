import { Type } from 'typebox'
import {
  type Guard,
  type HttpServer,
  httpErrors,
  IdempotencyKeyHeaders,
  type RatePolicy,
  readIdempotencyKey,
  responses,
} from '../http/index.ts'
import { tenancyErrors } from '../tenancy/index.ts'
import type { CoreUser } from '../users/index.ts'
import { organizationErrors } from './errors.ts'
import {
  MyOrganizationBody,
  NewOrganizationBody,
  OrganizationBody,
  OrganizationParams,
  presentMine,
} from './schemas.ts'
import type { OrganizationService } from './service.ts'

export interface OrganizationRoutesOptions {
  readonly organizations: OrganizationService
  readonly coreGuard: Guard<{ readonly user: CoreUser }>
}

const PATH = '/api/v1/organizations'
const DESCRIBED = { tags: ['organizations'] }
/** Each costs about 8 MB of disk and a tenth of a second of the server. */
const CREATION_RATE: RatePolicy = { name: 'create-organization', limit: 20, windowSeconds: 60 }

/** Organizations of the platform user who asks. */
export function organizationRoutes(server: HttpServer, options: OrganizationRoutesOptions): void {
  creationRoute(server, options)
  readingRoutes(server, options)
}

function creationRoute(server: HttpServer, { organizations, coreGuard }: OrganizationRoutesOptions): void {
  server.post(
    PATH,
    {
      onRequest: coreGuard.onRequest,
      preValidation: async (request) => void readIdempotencyKey(request),
      // Above the 10 s after which an unfinished organization is answered with 202.
      config: { timeoutMs: 20_000, rateLimit: CREATION_RATE },
      schema: {
        ...DESCRIBED,
        operationId: 'createOrganization',
        summary: 'Create an organization with a database of its own',
        headers: IdempotencyKeyHeaders,
        body: NewOrganizationBody,
        response: responses({ 201: OrganizationBody, 202: OrganizationBody }, [
          organizationErrors.slugTaken,
          organizationErrors.idempotencyConflict,
          organizationErrors.idempotencyMismatch,
          tenancyErrors.tenantNotReady,
        ]),
      },
    },
    async (request, reply) => {
      const { user } = coreGuard.admitted(request)
      const { organization, isReplay } = await organizations.create(
        user,
        request.body,
        readIdempotencyKey(request),
      )
      reply
        .code(organization.status === 'provisioning' ? 202 : 201)
        .header('location', `${PATH}/${organization.id}`)
      if (isReplay) reply.header('idempotent-replayed', 'true')
      return organization
    },
  )
}

function readingRoutes(server: HttpServer, { organizations, coreGuard }: OrganizationRoutesOptions): void {
  const guarded = { onRequest: coreGuard.onRequest }

  server.get(
    `${PATH}/me`,
    {
      ...guarded,
      schema: {
        ...DESCRIBED,
        operationId: 'listMyOrganizations',
        summary: 'The organizations that I own or am a member of, oldest first',
        response: responses({ 200: Type.Array(MyOrganizationBody) }),
      },
    },
    async (request) => {
      const mine = await organizations.listMine(coreGuard.admitted(request).user)
      return mine.map(presentMine)
    },
  )

  server.get(
    `${PATH}/:id`,
    {
      ...guarded,
      schema: {
        ...DESCRIBED,
        operationId: 'getOrganization',
        summary: 'One of my organizations',
        params: OrganizationParams,
        response: responses({ 200: MyOrganizationBody }, [httpErrors.notFound]),
      },
    },
    async (request) =>
      presentMine(await organizations.findMine(coreGuard.admitted(request).user, request.params.id)),
  )
}
