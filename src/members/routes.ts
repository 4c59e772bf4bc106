import { Type } from 'typebox'
import { type Freshness, secondFactorErrors, stepUpGuard } from '../auth/index.ts'
import {
  type Cursors,
  type HttpServer,
  httpErrors,
  type PermissionGuard,
  readPage,
  responses,
} from '../http/index.ts'
import type { Permission, TenantUser } from '../users/index.ts'
import { memberErrors } from './errors.ts'
import { requireFreshFor } from './fresh-roles.ts'
import {
  MemberBody,
  MemberPage,
  MemberParams,
  MemberQuery,
  presentMember,
  RoleChange,
  readMemberFilter,
  Transfer,
} from './schemas.ts'
import type { Actor, MemberService } from './service.ts'
import { listMembers } from './store.ts'

export interface MemberRoutesOptions {
  readonly members: MemberService
  readonly cursors: Cursors
  readonly tenantGuard: PermissionGuard<Actor & Freshness>
}

const PATH = '/api/v1/members'
const DESCRIBED = { tags: ['members'] }
const Done = { 204: Type.Null({ description: 'Done.' }) }

/** Who belongs to an organization, and as what. */
export function memberRoutes(server: HttpServer, options: MemberRoutesOptions): void {
  readingRoutes(server, options)
  roleRoute(server, options)
  activityRoutes(server, options)
  removalRoute(server, options)
  transferRoute(server, options)
}

function readingRoutes(server: HttpServer, { members, cursors, tenantGuard }: MemberRoutesOptions): void {
  const listing = tenantGuard.requires('members.read' satisfies Permission)
  const reading = tenantGuard.requires('members.read' satisfies Permission, { orSelf: 'id' })
  server.get(
    PATH,
    {
      onRequest: listing.onRequest,
      schema: {
        ...DESCRIBED,
        operationId: 'listMembers',
        summary: 'Members of this organization, in the order in which they came',
        querystring: MemberQuery,
        response: responses({ 200: MemberPage }),
      },
    },
    async (request) => {
      const { tenant } = listing.admitted(request)
      const filter = readMemberFilter(request.query)
      const list = {
        cursors,
        name: `members ${tenant.tenantId} ${JSON.stringify(filter)}`,
        read: (after: string | undefined, limit: number) => listMembers(tenant, filter, after, limit),
        positionOf: ({ id }: TenantUser) => id,
      }
      const { items, next_cursor } = await readPage(list, request.query)
      return { items: items.map(presentMember), next_cursor }
    },
  )
  server.get(
    `${PATH}/:id`,
    {
      onRequest: reading.onRequest,
      schema: {
        ...DESCRIBED,
        operationId: 'getMember',
        summary: 'One member; everybody may ask for oneself',
        params: MemberParams,
        response: responses({ 200: MemberBody }, [httpErrors.notFound]),
      },
    },
    async (request) => presentMember(await members.find(reading.admitted(request).tenant, request.params.id)),
  )
}

function roleRoute(server: HttpServer, { members, tenantGuard }: MemberRoutesOptions): void {
  const guard = tenantGuard.requires('members.role' satisfies Permission)
  server.patch(
    `${PATH}/:id`,
    {
      onRequest: guard.onRequest,
      schema: {
        ...DESCRIBED,
        operationId: 'changeRole',
        summary: 'Change what a member is; only owners make owners, or touch one',
        params: MemberParams,
        body: RoleChange,
        response: responses({ 200: MemberBody }, [
          httpErrors.notFound,
          secondFactorErrors.stepUpRequired,
          ...Object.values(memberErrors),
        ]),
      },
    },
    async (request) => {
      const actor = guard.admitted(request)
      const { role } = request.body
      requireFreshFor(role, actor)
      return presentMember(await members.changeRole(actor, request.params.id, role))
    },
  )
}

function activityRoutes(server: HttpServer, { members, tenantGuard }: MemberRoutesOptions): void {
  const deactivating = tenantGuard.requires('members.manage' satisfies Permission)
  const reactivating = tenantGuard.requires('members.reactivate' satisfies Permission)
  const described = {
    ...DESCRIBED,
    params: MemberParams,
    response: responses({ 200: MemberBody }, [httpErrors.notFound, memberErrors.lastOwner]),
  }
  server.post(
    `${PATH}/:id/deactivate`,
    {
      onRequest: deactivating.onRequest,
      schema: {
        ...described,
        operationId: 'deactivateMember',
        summary: 'Let a member in no more: all sessions end at once',
      },
    },
    async (request) =>
      presentMember(await members.deactivate(deactivating.admitted(request), request.params.id)),
  )
  server.post(
    `${PATH}/:id/reactivate`,
    {
      onRequest: reactivating.onRequest,
      schema: {
        ...described,
        operationId: 'reactivateMember',
        summary: 'Let a member in again',
        response: responses({ 200: MemberBody }, [httpErrors.notFound, secondFactorErrors.stepUpRequired]),
      },
    },
    async (request) =>
      presentMember(await members.reactivate(reactivating.admitted(request), request.params.id)),
  )
}

function removalRoute(server: HttpServer, { members, tenantGuard }: MemberRoutesOptions): void {
  const guard = tenantGuard.requires('members.manage' satisfies Permission, { orSelf: 'id' })
  server.delete(
    `${PATH}/:id`,
    {
      onRequest: guard.onRequest,
      schema: {
        ...DESCRIBED,
        operationId: 'removeMember',
        summary: 'Remove a member, or leave: everybody may remove oneself',
        params: MemberParams,
        response: responses(Done, [httpErrors.notFound, memberErrors.lastOwner]),
      },
    },
    async (request, reply) => {
      await members.remove(guard.admitted(request), request.params.id)
      return await reply.code(204).send(null)
    },
  )
}

function transferRoute(server: HttpServer, { members, tenantGuard }: MemberRoutesOptions): void {
  const guard = tenantGuard.requires('organization.transfer' satisfies Permission)
  server.post(
    '/api/v1/organization/transfer',
    {
      onRequest: [guard.onRequest, stepUpGuard(guard).onRequest],
      schema: {
        ...DESCRIBED,
        operationId: 'transferOwnership',
        summary: 'Make another member the owner in my place; I become an admin',
        body: Transfer,
        response: responses({ 200: MemberBody }, [
          httpErrors.notFound,
          memberErrors.memberNotLinked,
          memberErrors.memberInactive,
        ]),
      },
    },
    async (request) => presentMember(await members.transfer(guard.admitted(request), request.body.member_id)),
  )
}
