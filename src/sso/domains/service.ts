import { type AuditEntry, recordAuditLast } from '../../audit/index.ts'
import { opaqueTokens, requireStillPermitted } from '../../auth/index.ts'
import { httpErrors } from '../../http/index.ts'
import { isSsoOnlyIn } from '../../organizations/index.ts'
import { type Id, newId } from '../../platform/index.ts'
import type { CoreDb, TenantDb } from '../../tenancy/index.ts'
import type { Permission } from '../../users/index.ts'
import { by, ssoAudit } from '../audit.ts'
import { ssoErrors } from '../errors.ts'
import type { ResolveTxt } from './dns.ts'
import {
  countDomains,
  type Domain,
  deleteDomain,
  findDomain,
  hasVerifiedDomain,
  insertDomain,
  listDomains,
  markDomainVerified,
} from './store.ts'

/**
 * Domains of an organization. All throw httpErrors.notFound for a claim that is not its own, and changes
 * authErrors.permissionDenied for an actor who may make none any more.
 */
export interface DomainService {
  list(tenant: TenantDb): Promise<Domain[]>
  /** Says that a domain is ours, which is nothing until `verify`. @throws ssoErrors.domainClaimed, domainLimit */
  claim(tenant: TenantDb, actor: Id, domain: string): Promise<Domain>
  /** @throws ssoErrors.domainUnproven, domainTaken, dnsUnavailable */
  verify(tenant: TenantDb, actor: Id, id: Id): Promise<Domain>
  /** @throws ssoErrors.ssoOnlyActive for the last one that is needed */
  remove(tenant: TenantDb, actor: Id, id: Id): Promise<void>
}

export interface DomainOptions {
  readonly core: CoreDb
  readonly resolveTxt: ResolveTxt
}

const MOST_DOMAINS = 50
const RECORD_NAME = '_tenantry-challenge'

/** Read by anybody, and known before by the claim's organization alone: nobody can have published it by chance. */
const challenge = opaqueTokens('tenantry-verification=')

/** Where a domain's owner publishes which claim is right, and what. */
export function recordOf({ domain, token }: Domain): { readonly name: string; readonly value: string } {
  return { name: `${RECORD_NAME}.${domain}`, value: token }
}

export function createDomainService({ core, resolveTxt }: DomainOptions): DomainService {
  return {
    list: (tenant) => listDomains(core, tenant.tenantId),
    claim: async (tenant, actor, domain) => {
      const { tenantId: organizationId } = tenant
      if ((await countDomains(core, organizationId)) >= MOST_DOMAINS) throw ssoErrors.domainLimit()
      return await core.transaction(async (tx) => {
        const claimed = await insertDomain(tx, {
          id: newId(),
          organizationId,
          domain,
          token: challenge.make(),
        })
        await note(tenant, actor, entry('sso.domain_claimed', claimed))
        return claimed
      })
    },
    verify: async (tenant, actor, id) => {
      const known = await findDomain(core, tenant.tenantId, id)
      if (!known) throw notFound()
      if (known.verifiedAt) return known
      const { name, value } = recordOf(known)
      const records = await resolveTxt(name).catch((error: unknown) => {
        throw ssoErrors.dnsUnavailable({ cause: error })
      })
      if (!records.includes(value)) throw ssoErrors.domainUnproven()
      const verified = await core.transaction(async (tx) => {
        const marked = await markDomainVerified(tx, tenant.tenantId, id)
        if (marked) await note(tenant, actor, entry('sso.domain_verified', marked))
        return marked
      })
      const now = verified ?? (await findDomain(core, tenant.tenantId, id))
      if (!now) throw notFound()
      return now
    },
    remove: async (tenant, actor, id) => {
      await core.transaction(async (tx) => {
        const removed = await deleteDomain(tx, tenant.tenantId, id)
        if (!removed) throw notFound()
        const isNeeded = removed.verifiedAt !== null && !(await hasVerifiedDomain(tx, tenant.tenantId))
        if (isNeeded && (await isSsoOnlyIn(tenant))) throw ssoErrors.ssoOnlyActive()
        await note(tenant, actor, entry('sso.domain_removed', removed))
      })
    },
  }
}

/**
 * Its admins look into the organization's log, and the change is in the core database: so it is noted first. What fails to
 * be noted is not done; what is noted and not done takes a core database that dies at COMMIT.
 */
async function note(tenant: TenantDb, actor: Id, what: (actor: Id) => AuditEntry): Promise<void> {
  await tenant.transaction(async (tx) => {
    // Once more: name servers take as long as whoever runs them likes, and the actor may be no admin meanwhile.
    await requireStillPermitted(tx, actor, 'organization.sso' satisfies Permission)
    await recordAuditLast(tx, what(actor))
  })
}

function entry(action: 'sso.domain_claimed' | 'sso.domain_verified' | 'sso.domain_removed', { id }: Domain) {
  return (actor: Id) => ssoAudit(action, { ...by(actor), target: { kind: 'domain', id } })
}

function notFound() {
  return httpErrors.notFound({ detail: 'This organization has no such domain.' })
}
