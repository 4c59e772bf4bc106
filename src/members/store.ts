import { and, asc, eq, getTableColumns, gt, ne, type SQL, sql } from 'drizzle-orm'
import type { Id } from '../platform/index.ts'
import type { TenantExecutor, TenantTx } from '../tenancy/index.ts'
import { type TenantRole, type TenantUser, tenantUsers } from '../users/index.ts'

const { passwordHash: _, ...MEMBER } = getTableColumns(tenantUsers)

export interface MemberFilter {
  readonly role?: TenantRole | undefined
  readonly isActive?: boolean | undefined
  /** Canonical as far as it goes: lower case. */
  readonly emailPrefix?: string | undefined
}

export async function findMember(tenant: TenantExecutor, id: Id): Promise<TenantUser | undefined> {
  const [row] = await tenant.orm.select(MEMBER).from(tenantUsers).where(eq(tenantUsers.id, id))
  return row
}

/**
 * Members in the order in which they came.
 *
 * @param after the id of the last one that was seen
 */
export async function listMembers(
  tenant: TenantExecutor,
  { role, isActive, emailPrefix }: MemberFilter,
  after: Id | undefined,
  limit: number,
): Promise<TenantUser[]> {
  const wanted: (SQL | undefined)[] = [
    after === undefined ? undefined : gt(tenantUsers.id, after),
    role && eq(tenantUsers.role, role),
    isActive === undefined ? undefined : eq(tenantUsers.isActive, isActive),
    emailPrefix === undefined ? undefined : sql`starts_with(${tenantUsers.email}, ${emailPrefix})`,
  ]
  return await tenant.orm
    .select(MEMBER)
    .from(tenantUsers)
    .where(and(...wanted))
    .orderBy(asc(tenantUsers.id))
    .limit(limit)
}

/** Whether somebody else is an active owner. True until the transaction ends, behind the lock of members. */
export async function hasOtherOwner(tx: TenantTx, id: Id): Promise<boolean> {
  const rows = await tx.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .where(and(eq(tenantUsers.role, 'owner'), tenantUsers.isActive, ne(tenantUsers.id, id)))
    .limit(1)
  return rows.length > 0
}

export async function setRole(tx: TenantTx, id: Id, role: TenantRole): Promise<TenantUser> {
  return await update(tx, id, { role, isOwner: role === 'owner' })
}

export async function setActive(tx: TenantTx, id: Id, isActive: boolean): Promise<TenantUser> {
  return await update(tx, id, { isActive })
}

/** Takes a member out of the organization, with sessions and all that lies under them. */
export async function deleteMember(tx: TenantTx, id: Id): Promise<void> {
  await tx.orm.delete(tenantUsers).where(eq(tenantUsers.id, id))
}

async function update(
  tx: TenantTx,
  id: Id,
  changes: Partial<Pick<TenantUser, 'role' | 'isOwner' | 'isActive'>>,
): Promise<TenantUser> {
  const [row] = await tx.orm
    .update(tenantUsers)
    .set({ ...changes, updatedAt: sql`now()` })
    .where(eq(tenantUsers.id, id))
    .returning(MEMBER)
  if (!row) throw new Error('a locked member is gone')
  return row
}
