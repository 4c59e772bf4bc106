import { and, asc, count, eq, inArray, notInArray, type SQL, sql } from 'drizzle-orm'
import { type Id, isId, violates } from '../../platform/index.ts'
import type { TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { tenantUsers } from '../../users/index.ts'
import { scimErrors } from '../errors.ts'
import {
  equalitySearch,
  requireText,
  type Search,
  type Searches,
  textSearch,
  timeSearch,
} from '../filter/store.ts'
import type { Page } from '../query.ts'
import { scimGroupMembers, scimGroups } from '../tables.ts'
import { foldGroupName, type GroupNames } from './resource.ts'

const MEMBER_COUNT = sql<number>`(select count(*) from ${scimGroupMembers}
  where ${scimGroupMembers.groupId} = ${scimGroups.id})`.mapWith(Number)

export interface StoredGroup {
  readonly group: typeof scimGroups.$inferSelect
  readonly memberCount: number
}

export interface StoredMember {
  readonly groupId: Id
  readonly userId: Id
  readonly display: string
}

export async function findGroup(tenant: TenantExecutor, id: Id): Promise<StoredGroup | undefined> {
  const [row] = await select(tenant).where(eq(scimGroups.id, id))
  return row
}

/** The same, and nobody else changes it until the transaction ends. */
export async function lockGroup(tx: TenantTx, id: Id): Promise<StoredGroup | undefined> {
  const locked = await tx.orm.select().from(scimGroups).where(eq(scimGroups.id, id)).for('no key update')
  return locked.length === 0 ? undefined : await findGroup(tx, id)
}

/** A page of groups in the order in which they came. */
export async function listGroups(
  tenant: TenantExecutor,
  wanted: SQL | undefined,
  { offset, limit }: Page,
): Promise<StoredGroup[]> {
  return await select(tenant).where(wanted).orderBy(asc(scimGroups.id)).offset(offset).limit(limit)
}

export async function countGroups(tenant: TenantExecutor, wanted: SQL | undefined): Promise<number> {
  const [row] = await tenant.orm.select({ total: count() }).from(scimGroups).where(wanted)
  return row?.total ?? 0
}

/** Members of some groups, in the order in which they came to the organization. */
export async function listGroupMembers(
  tenant: TenantExecutor,
  groupIds: readonly Id[],
): Promise<StoredMember[]> {
  if (groupIds.length === 0) return []
  return await tenant.orm
    .select({
      groupId: scimGroupMembers.groupId,
      userId: scimGroupMembers.userId,
      display: sql<string>`coalesce(${tenantUsers.fullName}, ${tenantUsers.email})`,
    })
    .from(scimGroupMembers)
    .innerJoin(tenantUsers, eq(tenantUsers.id, scimGroupMembers.userId))
    .where(inArray(scimGroupMembers.groupId, [...groupIds]))
    .orderBy(asc(scimGroupMembers.userId))
}

/** @throws scimErrors.uniqueness */
export async function insertGroup(tx: TenantTx, id: Id, names: GroupNames): Promise<void> {
  await tx.orm
    .insert(scimGroups)
    .values({ id, ...names })
    .catch(refuseDuplicate)
}

/** Writes names, and counts the change. @throws scimErrors.uniqueness */
export async function updateGroup(tx: TenantTx, id: Id, names: GroupNames): Promise<void> {
  await tx.orm
    .update(scimGroups)
    .set({ ...names, version: sql`${scimGroups.version} + 1`, updatedAt: sql`now()` })
    .where(eq(scimGroups.id, id))
    .catch(refuseDuplicate)
}

export async function deleteGroup(tx: TenantTx, id: Id): Promise<void> {
  await tx.orm.delete(scimGroups).where(eq(scimGroups.id, id))
}

/** How many of these are users of the organization; none of them is removed before the transaction ends. */
export async function holdUsers(tx: TenantTx, ids: readonly Id[]): Promise<number> {
  if (ids.length === 0) return 0
  const rows = await tx.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .where(inArray(tenantUsers.id, [...ids]))
    .orderBy(asc(tenantUsers.id))
    .for('key share')
  return rows.length
}

/** Adds those who are not in it yet, and says how many these were. */
export async function addMembers(tx: TenantTx, groupId: Id, ids: readonly Id[]): Promise<number> {
  if (ids.length === 0) return 0
  const rows = await tx.orm
    .insert(scimGroupMembers)
    .values(ids.map((userId) => ({ groupId, userId })))
    .onConflictDoNothing()
    .returning({ userId: scimGroupMembers.userId })
  return rows.length
}

/** Removes those who are in it, and says how many these were. */
export async function removeMembers(tx: TenantTx, groupId: Id, ids: readonly Id[]): Promise<number> {
  return await remove(tx, groupId, inArray(scimGroupMembers.userId, [...ids]))
}

/** Removes everybody else, and says how many these were. */
export async function keepMembers(tx: TenantTx, groupId: Id, ids: readonly Id[]): Promise<number> {
  return await remove(tx, groupId, notInArray(scimGroupMembers.userId, [...ids]))
}

async function remove(tx: TenantTx, groupId: Id, which: SQL): Promise<number> {
  const rows = await tx.orm
    .delete(scimGroupMembers)
    .where(and(eq(scimGroupMembers.groupId, groupId), which))
    .returning({ userId: scimGroupMembers.userId })
  return rows.length
}

function select(tenant: TenantExecutor) {
  return tenant.orm.select({ group: scimGroups, memberCount: MEMBER_COUNT }).from(scimGroups)
}

function refuseDuplicate(error: unknown): never {
  throw violates(error, 'scim_groups_display_name_key_key') ? scimErrors.uniqueness({ cause: error }) : error
}

const searchNames = textSearch(sql`${scimGroups.displayNameKey}`)
const displayName: Search = (comparison) => {
  const { op, value } = comparison
  if (op === 'pr') return sql`true`
  const wanted = foldGroupName(requireText(value))
  return op === 'eq' ? eq(scimGroups.displayNameKey, wanted) : searchNames({ ...comparison, value: wanted })
}

const byMember = equalitySearch(
  (text) =>
    isId(text)
      ? sql`${scimGroups.id} in (select ${scimGroupMembers.groupId} from ${scimGroupMembers}
          where ${scimGroupMembers.userId} = ${text})`
      : sql`false`,
  sql`(select min(${scimGroupMembers.userId}::text) from ${scimGroupMembers}
    where ${scimGroupMembers.groupId} = ${scimGroups.id})`,
)

/** What groups can be searched for. */
export const GROUP_SEARCHES: Searches = new Map<string, Search>([
  [
    'id',
    equalitySearch((text) => (isId(text) ? eq(scimGroups.id, text) : sql`false`), sql`${scimGroups.id}`),
  ],
  ['externalid', equalitySearch((text) => eq(scimGroups.externalId, text), sql`${scimGroups.externalId}`)],
  ['displayname', displayName],
  ['members', byMember],
  ['members.value', byMember],
  ['meta.created', timeSearch(sql`${scimGroups.createdAt}`)],
  ['meta.lastmodified', timeSearch(sql`${scimGroups.updatedAt}`)],
])
