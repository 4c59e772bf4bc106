import { and, asc, count, eq, getTableColumns, ne, notExists, or, type SQL, sql } from 'drizzle-orm'
import { type Id, violates } from '../../platform/index.ts'
import type { TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { type TenantUser, tenantUsers } from '../../users/index.ts'
import { scimErrors } from '../errors.ts'
import type { Attributes } from '../resources/read.ts'
import { scimUsers } from '../tables.ts'

const { passwordHash: _, ...USER } = getTableColumns(tenantUsers)
const HAS_OWN_CREDENTIAL = sql<boolean>`(${tenantUsers.passwordHash} is not null or ${tenantUsers.coreUserId} is not null)`

/** A user of the organization, and what the directory says of it beyond that. */
export interface StoredUser {
  readonly user: TenantUser
  /** Signs in with a password of its own or of the platform, and so has an address that is not the directory's. */
  readonly hasOwnCredential: boolean
  readonly scim: typeof scimUsers.$inferSelect | null
}

export interface UserNames {
  readonly userName: string
  readonly userNameKey: string
  readonly externalId: string | null
  readonly attributes: Attributes
}

export async function findUser(tenant: TenantExecutor, id: Id): Promise<StoredUser | undefined> {
  const [row] = await select(tenant).where(eq(tenantUsers.id, id))
  return row
}

/** A page of users in the order in which they came. */
export async function listUsers(
  tenant: TenantExecutor,
  wanted: SQL | undefined,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<StoredUser[]> {
  return await select(tenant).where(wanted).orderBy(asc(tenantUsers.id)).offset(offset).limit(limit)
}

export async function countUsers(tenant: TenantExecutor, wanted: SQL | undefined): Promise<number> {
  const [row] = await tenant.orm
    .select({ total: count() })
    .from(tenantUsers)
    .leftJoin(scimUsers, eq(scimUsers.userId, tenantUsers.id))
    .where(wanted)
  return row?.total ?? 0
}

/** @throws scimErrors.uniqueness */
export async function insertUser(
  tx: TenantTx,
  user: Pick<TenantUser, 'id' | 'email' | 'fullName' | 'isActive'>,
): Promise<void> {
  await tx.orm.insert(tenantUsers).values(user).catch(refuseDuplicate)
}

/** @throws scimErrors.uniqueness */
export async function updateUser(
  tx: TenantTx,
  id: Id,
  changes: Partial<Pick<TenantUser, 'email' | 'emailVerifiedAt' | 'fullName'>>,
): Promise<void> {
  await tx.orm
    .update(tenantUsers)
    .set({ ...changes, updatedAt: sql`now()` })
    .where(eq(tenantUsers.id, id))
    .catch(refuseDuplicate)
}

/** Whether the name is another user's: in the directory, or as the address of one whom that does not know. */
export async function isNameTaken(tx: TenantTx, userNameKey: string, id: Id): Promise<boolean> {
  const isKnown = tx.orm
    .select({ id: scimUsers.userId })
    .from(scimUsers)
    .where(eq(scimUsers.userId, tenantUsers.id))
  const rows = await tx.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .leftJoin(scimUsers, eq(scimUsers.userId, tenantUsers.id))
    .where(
      and(
        ne(tenantUsers.id, id),
        or(
          eq(scimUsers.userNameKey, userNameKey),
          and(eq(tenantUsers.email, userNameKey), notExists(isKnown)),
        ),
      ),
    )
    .limit(1)
  return rows.length > 0
}

/** Keeps what the directory says of a user. @throws scimErrors.uniqueness */
export async function saveNames(tx: TenantTx, userId: Id, names: UserNames): Promise<void> {
  await tx.orm
    .insert(scimUsers)
    .values({ userId, ...names })
    .onConflictDoUpdate({ target: scimUsers.userId, set: { ...names, updatedAt: sql`now()` } })
    .catch(refuseDuplicate)
}

function select(tenant: TenantExecutor) {
  return tenant.orm
    .select({ user: USER, hasOwnCredential: HAS_OWN_CREDENTIAL, scim: scimUsers })
    .from(tenantUsers)
    .leftJoin(scimUsers, eq(scimUsers.userId, tenantUsers.id))
}

function refuseDuplicate(error: unknown): never {
  const isTaken = violates(error, 'users_email_key') || violates(error, 'scim_users_user_name_key_key')
  throw isTaken ? scimErrors.uniqueness({ cause: error }) : error
}
