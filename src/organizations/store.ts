import { and, asc, desc, eq, gt, inArray, isNotNull, isNull, lt, or, sql } from 'drizzle-orm'
import { union } from 'drizzle-orm/pg-core'
import { auditAlong } from '../audit/index.ts'
import { type Id, violates } from '../platform/index.ts'
import { type CoreExecutor, type CoreTx, type TenantStatus, tenants } from '../tenancy/index.ts'
import { coreUsers, type TenantRole } from '../users/index.ts'
import { organizationCreated } from './audit.ts'
import { memberships } from './memberships/tables.ts'
import { organizationRequests, organizations } from './tables.ts'

/** An organization with what its tenant adds. */
export type Organization = typeof organizations.$inferSelect &
  Pick<typeof tenants.$inferSelect, 'databaseName' | 'isUnannounced'> & {
    readonly status: OrganizationStatus
  }

/** An organization with the role that the one who asks has in it. */
export type OrganizationOfMine = Organization & { readonly role: TenantRole }

/** What has an organization is no spare. */
export type OrganizationStatus = Exclude<TenantStatus, 'preparing' | 'spare'>

export interface NewOrganization {
  readonly id: Id
  readonly name: string
  readonly slug: string
  readonly ownerId: Id
}

/** A request that its sender may repeat. */
export interface KeyedRequest {
  readonly userId: Id
  readonly key: string
  /** Of its body: the same key with another body is another request. */
  readonly hash: string
}

/** What is kept of a request with a key. */
export interface RecordedRequest {
  readonly hash: string
  readonly organizationId: Id
  /** The body of its 201; null while there is none. */
  readonly response: unknown
  /** Somebody works on its organization, and it was not answered yet. */
  readonly isRunning: boolean
}

const ORGANIZATION = {
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
}

const A_DAY = sql`interval '1 day'`
/** How long a key is known. */
const KEPT = sql`interval '24 hours'`
/** Each new key takes away so many old ones, so that there are never many. */
const PURGE_LIMIT = 10

/** Gives the row as it was written. That it was is recorded by the same statement, because somebody waits for it. */
export async function insertOrganization(core: CoreExecutor, organization: NewOrganization) {
  const created = organizationCreated(organization.id, organization.ownerId)
  const [row] = await core.orm
    .with(auditAlong(core, created))
    .insert(organizations)
    .values(organization)
    .returning()
  if (!row) throw new Error('INSERT gave no row')
  return row
}

/** The owner of an organization; `undefined` when either is missing. */
export async function findOwnerOf(core: CoreExecutor, id: Id) {
  const [row] = await core.orm
    .select({ id: coreUsers.id, email: coreUsers.email, fullName: coreUsers.fullName })
    .from(organizations)
    .innerJoin(coreUsers, eq(coreUsers.id, organizations.ownerId))
    .where(eq(organizations.id, id))
  return row
}

/**
 * What an owner made lately. Nobody else makes anything for the same owner before the transaction ends, so that what was
 * counted stays true.
 *
 * @returns how many in the last 24 hours, and the seconds until the first of them is older than that
 */
export async function countMadeToday(
  core: CoreTx,
  ownerId: Id,
): Promise<{ made: number; secondsLeft: number }> {
  // A statement of its own: one that waits inside would count with the snapshot from before it waited.
  await core.orm.execute(
    sql`SELECT pg_advisory_xact_lock(hashtextextended(${`organizations of ${ownerId}`}, 0))`,
  )
  const [row] = await core.orm
    .select({
      made: sql<number>`count(*)::int`,
      secondsLeft: sql<number>`ceil(coalesce(extract(epoch from min(${organizations.createdAt}) + ${A_DAY} - now()), 0))::int`,
    })
    .from(organizations)
    .where(and(eq(organizations.ownerId, ownerId), gt(organizations.createdAt, sql`now() - ${A_DAY}`)))
  return row ?? { made: 0, secondsLeft: 0 }
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

/** Those that a platform user owns, or is a member of, with the role there; oldest first. */
export async function listOrganizationsOf(core: CoreExecutor, userId: Id): Promise<OrganizationOfMine[]> {
  const owned = core.orm
    .select({ id: organizations.id })
    .from(organizations)
    .where(eq(organizations.ownerId, userId))
  const joined = core.orm
    .select({ id: memberships.organizationId })
    .from(memberships)
    .where(eq(memberships.coreUserId, userId))
  // Not by id: one that was a spare has the id of an earlier time.
  return await selectFor(core, userId)
    .where(inArray(organizations.id, union(owned, joined)))
    .orderBy(asc(organizations.createdAt), asc(organizations.id))
}

/** An organization that a platform user owns or is a member of; `undefined` when there is none of this id. */
export async function findOrganizationOf(
  core: CoreExecutor,
  userId: Id,
  id: Id,
): Promise<OrganizationOfMine | undefined> {
  const isMine = or(eq(organizations.ownerId, userId), isNotNull(memberships.role))
  const [row] = await selectFor(core, userId).where(and(eq(organizations.id, id), isMine))
  return row
}

/** Keeps a key with what is made for it. False, and nothing kept, when the key is known already. */
export async function insertRequest(
  core: CoreTx,
  request: KeyedRequest,
  organizationId: Id,
): Promise<boolean> {
  const { userId, key, hash: requestHash } = request
  const inserted = await core.orm
    .insert(organizationRequests)
    .values({ userId, key, requestHash, organizationId })
    .onConflictDoUpdate({
      target: [organizationRequests.userId, organizationRequests.key],
      set: { requestHash, organizationId, response: sql`null`, createdAt: sql`now()` },
      setWhere: lt(organizationRequests.createdAt, sql`now() - ${KEPT}`),
    })
    .returning({ key: organizationRequests.key })
  if (inserted.length === 0) return false
  await purgeRequests(core)
  return true
}

/** Takes away the oldest of the keys that are known no more, except those that others work on. */
async function purgeRequests(core: CoreTx): Promise<void> {
  const expired = core.orm
    .select({ row: sql`ctid` })
    .from(organizationRequests)
    .where(lt(organizationRequests.createdAt, sql`now() - ${KEPT}`))
    .orderBy(asc(organizationRequests.createdAt))
    .limit(PURGE_LIMIT)
    .for('update', { skipLocked: true })
  await core.orm.delete(organizationRequests).where(sql`ctid = any(array(${expired}))`)
}

/**
 * What is kept of a key of a user.
 *
 * @param answeredWithinMs after so many milliseconds a request does not run any more
 */
export async function findRequest(
  core: CoreExecutor,
  { userId, key }: Pick<KeyedRequest, 'userId' | 'key'>,
  answeredWithinMs: number,
): Promise<RecordedRequest | undefined> {
  const { createdAt, requestHash: hash, organizationId, response } = organizationRequests
  const isHeld = sql`${tenants.status} = 'provisioning' and ${tenants.claimToken} is not null and ${tenants.claimedUntil} > now()`
  const isFresh = gt(createdAt, sql`now() - make_interval(secs => ${answeredWithinMs / 1000})`)
  const [row] = await core.orm
    .select({ hash, organizationId, response, isRunning: sql<boolean>`${isHeld} and ${isFresh}` })
    .from(organizationRequests)
    .innerJoin(tenants, eq(tenants.id, organizationId))
    .where(and(isRequest({ userId, key }), gt(createdAt, sql`now() - ${KEPT}`)))
  return row
}

/** Keeps the answer to a key. False when one is kept already, or the key is used for something else by now. */
export async function recordResponse(
  core: CoreExecutor,
  request: Pick<KeyedRequest, 'userId' | 'key'>,
  organizationId: Id,
  response: object,
): Promise<boolean> {
  const isOpen = and(
    eq(organizationRequests.organizationId, organizationId),
    isNull(organizationRequests.response),
  )
  const rows = await core.orm
    .update(organizationRequests)
    .set({ response })
    .where(and(isRequest(request), isOpen))
    .returning({ key: organizationRequests.key })
  return rows.length === 1
}

function isRequest({ userId, key }: Pick<KeyedRequest, 'userId' | 'key'>) {
  return and(eq(organizationRequests.userId, userId), eq(organizationRequests.key, key))
}

function selectFor(core: CoreExecutor, userId: Id) {
  const role = sql<TenantRole>`case when ${organizations.ownerId} = ${userId} then 'owner' else ${memberships.role} end`
  const isMembership = and(
    eq(memberships.organizationId, organizations.id),
    eq(memberships.coreUserId, userId),
  )
  return core.orm
    .select({ ...ORGANIZATION, role })
    .from(organizations)
    .innerJoin(tenants, eq(tenants.id, organizations.id))
    .leftJoin(memberships, isMembership)
}

function select(core: CoreExecutor) {
  return core.orm
    .select(ORGANIZATION)
    .from(organizations)
    .innerJoin(tenants, eq(tenants.id, organizations.id))
}
