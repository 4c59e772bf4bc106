import { and, asc, count, eq, isNotNull, isNull, sql } from 'drizzle-orm'
import { type Id, violates } from '../../platform/index.ts'
import type { CoreExecutor, CoreTx } from '../../tenancy/index.ts'
import { ssoErrors } from '../errors.ts'
import { organizationDomains } from '../tables.ts'

/** A domain that an organization says is its own. */
export type Domain = typeof organizationDomains.$inferSelect

const { id, organizationId, domain, verifiedAt } = organizationDomains

export async function listDomains(core: CoreExecutor, tenantId: Id): Promise<Domain[]> {
  return await core.orm
    .select()
    .from(organizationDomains)
    .where(eq(organizationId, tenantId))
    .orderBy(asc(domain))
}

export async function countDomains(core: CoreExecutor, tenantId: Id): Promise<number> {
  const [row] = await core.orm
    .select({ domains: count() })
    .from(organizationDomains)
    .where(eq(organizationId, tenantId))
  return row?.domains ?? 0
}

/** @throws ssoErrors.domainClaimed */
export async function insertDomain(
  core: CoreExecutor,
  claim: Pick<Domain, 'id' | 'organizationId' | 'domain' | 'token'>,
): Promise<Domain> {
  const [row] = await core.orm
    .insert(organizationDomains)
    .values(claim)
    .returning()
    .catch((error: unknown) => {
      const isKnown = violates(error, 'organization_domains_claim_key')
      throw isKnown ? ssoErrors.domainClaimed({ cause: error }) : error
    })
  if (!row) throw new Error('an insert returned no row')
  return row
}

export async function findDomain(core: CoreExecutor, tenantId: Id, wanted: Id): Promise<Domain | undefined> {
  const [row] = await core.orm.select().from(organizationDomains).where(isOwn(tenantId, wanted))
  return row
}

/**
 * Notes that the domain is this organization's; `undefined` when it was noted before, or the claim is gone.
 *
 * @throws ssoErrors.domainTaken
 */
export async function markDomainVerified(tx: CoreTx, tenantId: Id, wanted: Id): Promise<Domain | undefined> {
  const [row] = await tx.orm
    .update(organizationDomains)
    .set({ verifiedAt: sql`now()` })
    .where(and(isOwn(tenantId, wanted), isNull(verifiedAt)))
    .returning()
    .catch((error: unknown) => {
      const isTaken = violates(error, 'organization_domains_verified_key')
      throw isTaken ? ssoErrors.domainTaken({ cause: error }) : error
    })
  return row
}

export async function deleteDomain(tx: CoreTx, tenantId: Id, wanted: Id): Promise<Domain | undefined> {
  const [row] = await tx.orm.delete(organizationDomains).where(isOwn(tenantId, wanted)).returning()
  return row
}

/** Whose a domain is; `undefined` where nobody has shown that. */
export async function findOwnerOfDomain(core: CoreExecutor, name: string): Promise<Id | undefined> {
  const [row] = await core.orm
    .select({ organizationId })
    .from(organizationDomains)
    .where(and(eq(domain, name), isNotNull(verifiedAt)))
  return row?.organizationId
}

export async function hasVerifiedDomain(core: CoreExecutor, tenantId: Id): Promise<boolean> {
  const rows = await core.orm
    .select({ id })
    .from(organizationDomains)
    .where(and(eq(organizationId, tenantId), isNotNull(verifiedAt)))
    .limit(1)
  return rows.length > 0
}

function isOwn(tenantId: Id, wanted: Id) {
  return and(eq(id, wanted), eq(organizationId, tenantId))
}
