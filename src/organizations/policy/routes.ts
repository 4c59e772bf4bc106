import { recordAuditLast } from '../../audit/index.ts'
import type { Publisher } from '../../events/index.ts'
import { type HttpServer, type PermissionGuard, responses } from '../../http/index.ts'
import type { ErrorFactory, Id } from '../../platform/index.ts'
import type { TenantDb, TenantTx } from '../../tenancy/index.ts'
import type { Permission, TenantUser } from '../../users/index.ts'
import { organizationAudit } from '../audit.ts'
import type { OrganizationEvents } from '../events.ts'
import { PolicyBody, PolicyUpdate, presentPolicy, readPolicyUpdate } from './schemas.ts'
import { findPolicy, lockPolicy, updatePolicy } from './store.ts'

export interface PolicyRoutesOptions {
  readonly tenantGuard: PermissionGuard<PolicyActor>
  /** Asks for a recent proof of who it is, with what it refuses otherwise. */
  readonly stepUp: { readonly require: (actor: PolicyActor) => void; readonly refusal: ErrorFactory }
  /** Ends what administrators of the platform do as members, where that is forbidden; gives what is due after the commit. */
  readonly impersonations: { readonly endAll: (tx: TenantTx, userId: Id) => Promise<() => Promise<void>> }
  /** Asks once more, behind the lock, whether the member may still do it; throws what the guard throws. */
  readonly requireStill: (tx: TenantTx, userId: Id, permission: Permission) => Promise<void>
  /** Throws unless members could get in through an identity provider, as far as the transaction sees. */
  readonly requireSso: {
    readonly check: (tx: TenantTx, tenantId: Id) => Promise<void>
    readonly refusal: ErrorFactory
  }
  readonly events: Publisher<OrganizationEvents>
}

interface PolicyActor {
  readonly tenant: TenantDb
  readonly user: TenantUser
  /** Whether it proved lately who it is. */
  readonly isFresh: boolean
}

const PATH = '/api/v1/organization'
const DESCRIBED = { tags: ['members'] }

/** What an organization asks of those who want to join it. */
export function policyRoutes(server: HttpServer, options: PolicyRoutesOptions): void {
  readingRoute(server, options)
  changingRoute(server, options)
}

function readingRoute(server: HttpServer, { tenantGuard }: PolicyRoutesOptions): void {
  const reading = tenantGuard.requires('organization.read' satisfies Permission)
  server.get(
    PATH,
    {
      onRequest: reading.onRequest,
      schema: {
        ...DESCRIBED,
        operationId: 'getPolicy',
        summary: 'Who may join this organization',
        response: responses({ 200: PolicyBody }),
      },
    },
    async (request) => {
      const { tenant } = reading.admitted(request)
      return presentPolicy(tenant.tenantId, await findPolicy(tenant))
    },
  )
}

function changingRoute(server: HttpServer, options: PolicyRoutesOptions): void {
  const { tenantGuard, stepUp, impersonations, requireStill, requireSso, events } = options
  const changing = tenantGuard.requires('organization.policy' satisfies Permission)
  server.patch(
    PATH,
    {
      onRequest: changing.onRequest,
      schema: {
        ...DESCRIBED,
        operationId: 'updatePolicy',
        summary: 'Change who may join this organization: absent fields stay',
        body: PolicyUpdate,
        response: responses({ 200: PolicyBody }, [stepUp.refusal, requireSso.refusal]),
      },
    },
    async (request) => {
      const actor = changing.admitted(request)
      const { tenant, user } = actor
      const changes = readPolicyUpdate(request.body)
      // To ask shuts out everybody who has none; to ask no more opens the organization to whoever stole a password.
      if (changes.isSecondFactorRequired !== undefined || changes.isSsoOnly !== undefined)
        stepUp.require(actor)
      const { policy, settle } = await tenant.transaction(async (tx) => {
        await lockPolicy(tx)
        await requireStill(tx, user.id, 'organization.policy')
        const changed = await updatePolicy(tx, changes)
        if (changes.isSsoOnly) await requireSso.check(tx, tenant.tenantId)
        const isForbidden = changes.isImpersonationAllowed === false
        const due = isForbidden ? await impersonations.endAll(tx, user.id) : undefined
        await recordAuditLast(
          tx,
          organizationAudit('organization.policy_changed', {
            actor: { kind: 'user', id: user.id },
            target: { kind: 'organization', id: tenant.tenantId },
            details: { fields: Object.keys(changes) },
          }),
        )
        return { policy: changed, settle: due }
      })
      await settle?.()
      events.publish('organization.policy_changed', { changedBy: user.id, ...changes }, tenant.tenantId)
      return presentPolicy(tenant.tenantId, policy)
    },
  )
}
