import { and, asc, eq, inArray, lt, notInArray, or, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import type { CoreExecutor, CoreTx, TenantExecutor } from '../../tenancy/index.ts'
import type { TenantRole } from '../../users/index.ts'
import { tenantUsers } from '../../users/index.ts'
import { organizations } from '../tables.ts'
import { membershipChanges, memberships } from './tables.ts'

/** An active linked member, as its organization's database has it. */
export interface LinkedMember {
  readonly coreUserId: Id
  readonly role: TenantRole
}

/** A change that is announced, under way, or left behind. */
export interface MembershipChange {
  readonly id: Id
  readonly coreUserId: Id
  readonly organizationId: Id
}

/** Whether a platform user may be a member of an organization: its owner, a member, or about to be either. */
export async function mayBeMember(core: CoreExecutor, organizationId: Id, coreUserId: Id): Promise<boolean> {
  const isOf = (table: typeof memberships | typeof membershipChanges) =>
    sql`exists (select from ${table} where ${table.organizationId} = ${organizationId} and ${table.coreUserId} = ${coreUserId})`
  const [row] = await core.orm
    .select({ id: organizations.id })
    .from(organizations)
    .where(
      and(
        eq(organizations.id, organizationId),
        or(eq(organizations.ownerId, coreUserId), isOf(memberships), isOf(membershipChanges)),
      ),
    )
  return row !== undefined
}

/** Notes that memberships are about to change. */
export async function insertChanges(core: CoreExecutor, changes: readonly MembershipChange[]): Promise<void> {
  await core.orm.insert(membershipChanges).values([...changes])
}

export async function deleteChanges(
  tx: CoreExecutor,
  ids: readonly Id[],
  coreUserIds: readonly Id[],
): Promise<void> {
  await tx.orm
    .delete(membershipChanges)
    .where(
      and(inArray(membershipChanges.id, [...ids]), inArray(membershipChanges.coreUserId, [...coreUserIds])),
    )
}

/** Puts changes behind all others. */
export async function postponeChanges(core: CoreExecutor, ids: readonly Id[]): Promise<void> {
  await core.orm
    .update(membershipChanges)
    .set({ createdAt: sql`now()` })
    .where(inArray(membershipChanges.id, [...ids]))
}

/** Changes that were announced at least so many seconds ago, oldest first. */
export async function listOldChanges(
  core: CoreExecutor,
  seconds: number,
  limit: number,
): Promise<MembershipChange[]> {
  const { id, coreUserId, organizationId, createdAt } = membershipChanges
  return await core.orm
    .select({ id, coreUserId, organizationId })
    .from(membershipChanges)
    .where(lt(createdAt, sql`now() - make_interval(secs => ${seconds})`))
    .orderBy(asc(createdAt))
    .limit(limit)
}

/** The owner of record, whom nobody else changes until the transaction ends; `undefined` without an organization. */
export async function lockOwnerOf(tx: CoreTx, organizationId: Id): Promise<Id | undefined> {
  const [row] = await tx.orm
    .select({ ownerId: organizations.ownerId })
    .from(organizations)
    .where(eq(organizations.id, organizationId))
    .for('no key update')
  return row?.ownerId
}

export async function setOwner(tx: CoreTx, organizationId: Id, ownerId: Id): Promise<void> {
  await tx.orm
    .update(organizations)
    .set({ ownerId, updatedAt: sql`now()` })
    .where(eq(organizations.id, organizationId))
}

/** The truth in the organization's database about some platform users, and about all of its owners. */
export async function listLinkedMembers(
  tenant: TenantExecutor,
  coreUserIds: readonly Id[],
): Promise<LinkedMember[]> {
  const { coreUserId, role, isActive, id } = tenantUsers
  const rows = await tenant.orm
    .select({ coreUserId, role })
    .from(tenantUsers)
    .where(and(isActive, or(inArray(coreUserId, [...coreUserIds]), eq(role, 'owner'))))
    .orderBy(asc(id))
  return rows.flatMap((row) => (row.coreUserId === null ? [] : [{ ...row, coreUserId: row.coreUserId }]))
}

/** Makes the copy say what the truth says about some platform users. */
export async function copyMembers(
  tx: CoreTx,
  organizationId: Id,
  coreUserIds: readonly Id[],
  members: readonly LinkedMember[],
): Promise<void> {
  const present = members.map(({ coreUserId }) => coreUserId)
  await tx.orm
    .delete(memberships)
    .where(
      and(
        eq(memberships.organizationId, organizationId),
        inArray(memberships.coreUserId, [...coreUserIds]),
        notInArray(memberships.coreUserId, present),
      ),
    )
  if (members.length === 0) return
  await tx.orm
    .insert(memberships)
    .values(members.map(({ coreUserId, role }) => ({ coreUserId, role, organizationId })))
    .onConflictDoUpdate({
      target: [memberships.coreUserId, memberships.organizationId],
      set: { role: sql`excluded.role`, updatedAt: sql`now()` },
    })
}
