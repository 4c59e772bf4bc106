import { Type } from 'typebox'
import {
  limitedEverywhere,
  secondFactorErrors,
  stepUpGuard,
  type TenantPrincipal,
  type Throttle,
} from '../../auth/index.ts'
import {
  type HttpServer,
  httpErrors,
  type PermissionGuard,
  type RatePolicy,
  responses,
} from '../../http/index.ts'
import type { Permission } from '../../users/index.ts'
import { ssoErrors } from '../errors.ts'
import { DomainBody, DomainList, DomainParams, NewDomain, presentDomain, readDomain } from './schemas.ts'
import type { DomainService } from './service.ts'

export interface DomainRoutesOptions {
  readonly domains: DomainService
  readonly tenantGuard: PermissionGuard<TenantPrincipal>
  readonly throttle: Pick<Throttle, 'spend'>
}

const PATH = '/api/v1/organization/domains'
const DESCRIBED = { tags: ['sso'] }
/** Each asks somebody else's name servers. */
const RATE: RatePolicy = { name: 'verify-domain', limit: 20, windowSeconds: 60 }

/** The domains whose people may join an organization through its identity provider. */
export function domainRoutes(
  server: HttpServer,
  { domains, tenantGuard, throttle }: DomainRoutesOptions,
): void {
  const guard = tenantGuard.requires('organization.sso' satisfies Permission)
  const onRequest = [guard.onRequest, stepUpGuard(guard).onRequest]

  server.get(PATH, { onRequest: guard.onRequest, schema: LIST }, async (request) =>
    (await domains.list(guard.admitted(request).tenant)).map(presentDomain),
  )
  server.post(PATH, { onRequest, schema: CLAIM }, async (request, reply) => {
    const { tenant, user } = guard.admitted(request)
    const claimed = await domains.claim(tenant, user.id, readDomain(request.body))
    reply.code(201)
    return presentDomain(claimed)
  })
  server.post(
    `${PATH}/:id/verify`,
    { ...limitedEverywhere(throttle, RATE), onRequest, schema: VERIFY },
    async (request) => {
      const { tenant, user } = guard.admitted(request)
      return presentDomain(await domains.verify(tenant, user.id, request.params.id))
    },
  )
  server.delete(`${PATH}/:id`, { onRequest, schema: DELETE }, async (request, reply) => {
    const { tenant, user } = guard.admitted(request)
    await domains.remove(tenant, user.id, request.params.id)
    return await reply.code(204).send(null)
  })
}

const LIST = {
  ...DESCRIBED,
  operationId: 'listDomains',
  summary: 'Domains that this organization claims, and whether it has shown that they are its own',
  response: responses({ 200: DomainList }),
}

const CLAIM = {
  ...DESCRIBED,
  operationId: 'claimDomain',
  summary: 'Claim a domain; the answer says what to publish',
  body: NewDomain,
  response: responses({ 201: DomainBody }, [
    ssoErrors.domainClaimed,
    ssoErrors.domainLimit,
    secondFactorErrors.stepUpRequired,
  ]),
}

const VERIFY = {
  ...DESCRIBED,
  operationId: 'verifyDomain',
  summary: 'Look whether the record of a domain is published',
  params: DomainParams,
  response: responses({ 200: DomainBody }, [
    httpErrors.notFound,
    ssoErrors.domainUnproven,
    ssoErrors.domainTaken,
    ssoErrors.dnsUnavailable,
  ]),
}

const DELETE = {
  ...DESCRIBED,
  operationId: 'deleteDomain',
  summary: 'Give a domain up',
  params: DomainParams,
  response: responses({ 204: Type.Null({ description: 'Done.' }) }, [
    httpErrors.notFound,
    ssoErrors.ssoOnlyActive,
  ]),
}
