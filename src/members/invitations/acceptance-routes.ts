import {
  AuthResponse,
  authErrors,
  type CorePrincipal,
  createTenantOf,
  limitedEverywhere,
  originOf,
  presentSignedIn,
  realmHeaders,
  type Throttle,
} from '../../auth/index.ts'
import { type Guard, type HttpServer, type RatePolicy, responses } from '../../http/index.ts'
import { policyErrors } from '../../organizations/index.ts'
import type { Id } from '../../platform/index.ts'
import { type Tenancy, type TenantDb, tenancyErrors } from '../../tenancy/index.ts'
import { userErrors } from '../../users/index.ts'
import type { Acceptance } from './acceptance.ts'
import { invitationErrors } from './errors.ts'
import { AcceptAsMe, AcceptAsNew, InvitationParams } from './schemas.ts'

export interface AcceptanceRoutesOptions {
  readonly acceptance: Acceptance
  readonly tenancy: Tenancy
  /** Lower case. */
  readonly tenantHeader: string
  readonly coreGuard: Guard<CorePrincipal>
  readonly throttle: Pick<Throttle, 'spend'>
}

/** Tokens cannot be guessed: this keeps a flood away from the databases. */
const RATE: RatePolicy = { name: 'accept-invitation', limit: 20, windowSeconds: 60 }
const DESCRIBED = { tags: ['members'] }
const REFUSALS = [
  invitationErrors.invitationInvalid,
  ...Object.values(policyErrors),
  userErrors.emailTaken,
  ...Object.values(tenancyErrors),
]

/** How the invited join: as somebody new, or as the platform users that they are. */
export function acceptanceRoutes(server: HttpServer, options: AcceptanceRoutesOptions): void {
  const { acceptance, tenancy, tenantHeader, coreGuard, throttle } = options
  const tenantOf = createTenantOf(tenancy, tenantHeader)

  server.post(
    '/api/v1/invitations/accept',
    {
      ...limitedEverywhere(throttle, RATE),
      schema: { ...ACCEPT_AS_NEW, headers: realmHeaders(tenantHeader) },
    },
    async (request, reply) => {
      const tenant = await tenantOf(request)
      if (!tenant) throw authErrors.tenantHeaderRequired()
      const { token, password, full_name } = request.body
      const fullName = full_name?.normalize('NFC') ?? null
      const signedIn = await acceptance.asNewUser(tenant, { token, password, fullName }, originOf(request))
      reply.code(201)
      return presentSignedIn(signedIn)
    },
  )
  server.post(
    '/api/v1/organizations/:id/invitations/accept',
    { ...limitedEverywhere(throttle, RATE), onRequest: coreGuard.onRequest, schema: ACCEPT_AS_ME },
    async (request, reply) => {
      const tenant = await enter(tenancy, request.params.id)
      const principal = coreGuard.admitted(request)
      const signedIn = await acceptance.asCoreUser(tenant, principal, request.body.token, originOf(request))
      reply.code(201)
      return presentSignedIn(signedIn)
    },
  )
}

/** Where there is no such organization, there is no such invitation either. */
async function enter(tenancy: Tenancy, id: Id): Promise<TenantDb> {
  if (!(await tenancy.find(id))) throw invitationErrors.invitationInvalid()
  return await tenancy.enter(id)
}

const ACCEPT_AS_NEW = {
  ...DESCRIBED,
  security: [],
  operationId: 'acceptInvitation',
  summary: 'Accept an invitation as a new user of the organization',
  body: AcceptAsNew,
  response: responses({ 201: AuthResponse }, [
    authErrors.tenantHeaderRequired,
    authErrors.tenantHeaderInvalid,
    ...REFUSALS,
  ]),
}

const ACCEPT_AS_ME = {
  ...DESCRIBED,
  operationId: 'acceptInvitationAsMe',
  summary: 'Accept an invitation as the platform user that I am',
  params: InvitationParams,
  body: AcceptAsMe,
  response: responses({ 201: AuthResponse }, [invitationErrors.invitationForAnother, ...REFUSALS]),
}
