import { Type } from 'typebox'
import { type Guard, type HttpServer, httpErrors, type RatePolicy, responses } from '../http/index.ts'
import { tenancyErrors } from '../tenancy/index.ts'
import type { CoreUser } from '../users/index.ts'
import { organizationErrors } from './errors.ts'
import { NewOrganizationBody, OrganizationBody, OrganizationParams, presentOrganization } from './schemas.ts'
import type { OrganizationService } from './service.ts'

export interface OrganizationRoutesOptions {
  readonly organizations: OrganizationService
  readonly coreGuard: Guard<{ readonly user: CoreUser }>
}

const PATH = '/api/v1/organizations'
/** Each costs about 8 MB of disk and a tenth of a second of the server. */
const CREATION_RATE: RatePolicy = { name: 'create-organization', limit: 20, windowSeconds: 60 }

/** Organizations of the platform user who asks. */
export function organizationRoutes(
  server: HttpServer,
  { organizations, coreGuard }: OrganizationRoutesOptions,
): void {
  const guarded = { onRequest: coreGuard.onRequest }
  const described = { tags: ['organizations'] }

  server.post(
    PATH,
    {
      ...guarded,
      // Above the 10 s after which an unfinished organization is answered with 202.
      config: { timeoutMs: 20_000, rateLimit: CREATION_RATE },
      schema: {
        ...described,
        operationId: 'createOrganization',
        summary: 'Create an organization with a database of its own',
        body: NewOrganizationBody,
        response: responses({ 201: OrganizationBody, 202: OrganizationBody }, [
          organizationErrors.slugTaken,
          tenancyErrors.tenantNotReady,
        ]),
      },
    },
    async (request, reply) => {
      const organization = await organizations.create(coreGuard.admitted(request).user, request.body)
      reply
        .code(organization.status === 'active' ? 201 : 202)
        .header('location', `${PATH}/${organization.id}`)
      return presentOrganization(organization)
    },
  )

  server.get(
    `${PATH}/me`,
    {
      ...guarded,
      schema: {
        ...described,
        operationId: 'listMyOrganizations',
        summary: 'My organizations, oldest first',
        response: responses({ 200: Type.Array(OrganizationBody) }),
      },
    },
    async (request) => {
      const owned = await organizations.listOwned(coreGuard.admitted(request).user)
      return owned.map(presentOrganization)
    },
  )

  server.get(
    `${PATH}/:id`,
    {
      ...guarded,
      schema: {
        ...described,
        operationId: 'getOrganization',
        summary: 'One of my organizations',
        params: OrganizationParams,
        response: responses({ 200: OrganizationBody }, [httpErrors.notFound]),
      },
    },
    async (request) =>
      presentOrganization(await organizations.findOwned(coreGuard.admitted(request).user, request.params.id)),
  )
}
