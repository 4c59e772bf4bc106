import { Type } from 'typebox'
import {
  authErrors,
  createNetworkLimit,
  type Freshness,
  secondFactorErrors,
  type Throttle,
} from '../../auth/index.ts'
import {
  type Cursors,
  type HttpServer,
  httpErrors,
  type PermissionGuard,
  type RatePolicy,
  readPage,
  responses,
} from '../../http/index.ts'
import { policyErrors } from '../../organizations/index.ts'
import { type Permission, userErrors } from '../../users/index.ts'
import { requireFreshFor } from '../fresh-roles.ts'
import type { Actor } from '../service.ts'
import { invitationErrors } from './errors.ts'
import {
  DEFAULT_HOURS,
  InvitationBody,
  InvitationPage,
  InvitationParams,
  InvitationQuery,
  NewInvitation,
  presentInvitation,
  Resend,
} from './schemas.ts'
import type { InvitationService } from './service.ts'
import { type Invitation, listInvitations } from './store.ts'

export interface InvitationRoutesOptions {
  readonly invitations: InvitationService
  readonly cursors: Cursors
  readonly tenantGuard: PermissionGuard<Actor & Freshness>
  readonly throttle: Pick<Throttle, 'spend'>
}

const PATH = '/api/v1/invitations'
const DESCRIBED = { tags: ['members'] }
const Done = { 204: Type.Null({ description: 'Done.' }) }
/** What sends mail, for each network over all processes; each recipient has a limit besides. */
const MAIL_RATE: RatePolicy = { name: 'invitation', limit: 60, windowSeconds: 60 }

/** Invitations, for those who manage them. */
export function invitationRoutes(server: HttpServer, options: InvitationRoutesOptions): void {
  const { invitations, cursors, tenantGuard, throttle } = options
  const guard = tenantGuard.requires('invitations.manage' satisfies Permission)
  const guarded = { onRequest: guard.onRequest }
  const mailing = {
    ...guarded,
    config: { rateLimit: MAIL_RATE },
    preHandler: createNetworkLimit(throttle)(MAIL_RATE),
  }

  server.post(PATH, { ...mailing, schema: { ...DESCRIBED, ...CREATE } }, async (request, reply) => {
    const { email, role, expires_in_hours: hours = DEFAULT_HOURS } = request.body
    const actor = guard.admitted(request)
    requireFreshFor(role, actor)
    const invitation = await invitations.create(actor, { email, role, hours })
    reply.code(201)
    return presentInvitation(invitation)
  })
  server.get(PATH, { ...guarded, schema: { ...DESCRIBED, ...LIST } }, async (request) => {
    const { tenant } = guard.admitted(request)
    const { status } = request.query
    const list = {
      cursors,
      name: `invitations ${tenant.tenantId} ${status}`,
      read: (after: string | undefined, limit: number) => listInvitations(tenant, status, after, limit),
      positionOf: ({ id }: Invitation) => id,
    }
    const { items, next_cursor } = await readPage(list, request.query)
    return { items: items.map(presentInvitation), next_cursor }
  })
  server.post(
    `${PATH}/:id/resend`,
    { ...mailing, schema: { ...DESCRIBED, ...RESEND } },
    async (request, reply) => {
      const { expires_in_hours: hours = DEFAULT_HOURS } = request.body
      reply.code(202)
      return presentInvitation(await invitations.resend(guard.admitted(request), request.params.id, hours))
    },
  )
  server.delete(
    `${PATH}/:id`,
    { ...guarded, schema: { ...DESCRIBED, ...REVOKE } },
    async (request, reply) => {
      await invitations.revoke(guard.admitted(request), request.params.id)
      return await reply.code(204).send(null)
    },
  )
}

const CREATE = {
  operationId: 'invite',
  summary: 'Invite an e-mail address as a member or an admin',
  body: NewInvitation,
  response: responses({ 201: InvitationBody }, [
    authErrors.mailOff,
    secondFactorErrors.stepUpRequired,
    ...Object.values(policyErrors),
    userErrors.emailTaken,
    invitationErrors.invitationPending,
  ]),
}

const LIST = {
  operationId: 'listInvitations',
  summary: 'Invitations of this organization, newest first',
  querystring: InvitationQuery,
  response: responses({ 200: InvitationPage }),
}

const RESEND = {
  operationId: 'resendInvitation',
  summary: 'Send an invitation again, with a new link; the old one dies',
  params: InvitationParams,
  body: Resend,
  response: responses({ 202: InvitationBody }, [
    authErrors.mailOff,
    ...Object.values(policyErrors),
    httpErrors.notFound,
    invitationErrors.invitationSettled,
  ]),
}

const REVOKE = {
  operationId: 'revokeInvitation',
  summary: 'Revoke an invitation that was not accepted yet',
  params: InvitationParams,
  response: responses(Done, [httpErrors.notFound, invitationErrors.invitationSettled]),
}
