import { and, asc, desc, eq, inArray, or, sql } from 'drizzle-orm'
import { type Id, violates } from '../platform/index.ts'
import { type CoreExecutor, type TenantStatus, tenants } from '../tenancy/index.ts'
import { organizations } from './tables.ts'

/** An organization with what its tenant adds. */
export type Organization = typeof organizations.$inferSelect &
  Pick<typeof tenants.$inferSelect, 'databaseName' | 'isUnannounced'> & {
    readonly status: OrganizationStatus
  }

/** What has an organization is no spare. */
export type OrganizationStatus = Exclude<TenantStatus, 'preparing' | 'spare'>

export interface NewOrganization {
  readonly id: Id
  readonly name: string
  readonly slug: string
  readonly ownerId: Id
}

export async function insertOrganization(core: CoreExecutor, organization: NewOrganization): Promise<void> {
  await core.orm.insert(organizations).values(organization)
}

/** Says whether an insert failed because of its slug. */
export function isSlugTaken(error: unknown): boolean {
  return violates(error, 'organizations_slug_key')
}

export async function findOrganization(core: CoreExecutor, id: Id): Promise<Organization | undefined> {
  const [row] = await select(core).where(eq(organizations.id, id))
  return row
}

/**
 * An organization whose request failed or still runs: unfinished, or finished without its owner having heard of it. The
 * newest, where there are several.
 *
 * @param slug only with this slug; without it the slug was made of the name
 */
export async function findUnansweredOrganization(
  core: CoreExecutor,
  wish: { ownerId: Id; name: string; slug: string | undefined },
): Promise<Id | undefined> {
  const isUnanswered = or(inArray(tenants.status, ['provisioning', 'failed']), tenants.isUnannounced)
  const isWished = wish.slug === undefined ? undefined : eq(organizations.slug, wish.slug)
  const [row] = await core.orm
    .select({ id: organizations.id })
    .from(organizations)
    .innerJoin(tenants, eq(tenants.id, organizations.id))
    .where(
      and(eq(organizations.ownerId, wish.ownerId), eq(organizations.name, wish.name), isWished, isUnanswered),
    )
    .orderBy(desc(organizations.createdAt), desc(organizations.id))
    .limit(1)
  return row?.id
}

/** Oldest first. */
export async function listOwnedOrganizations(core: CoreExecutor, ownerId: Id): Promise<Organization[]> {
  // Not by id: one that was a spare has the id of an earlier time.
  return await select(core)
    .where(eq(organizations.ownerId, ownerId))
    .orderBy(asc(organizations.createdAt), asc(organizations.id))
}

function select(core: CoreExecutor) {
  return core.orm
    .select({
      id: organizations.id,
      name: organizations.name,
      slug: organizations.slug,
      ownerId: organizations.ownerId,
      isActive: organizations.isActive,
      createdAt: organizations.createdAt,
      updatedAt: organizations.updatedAt,
      databaseName: tenants.databaseName,
      status: sql<OrganizationStatus>`${tenants.status}`,
      isUnannounced: tenants.isUnannounced,
    })
    .from(organizations)
    .innerJoin(tenants, eq(tenants.id, organizations.id))
}
