import { and, eq, type SQL, sql } from 'drizzle-orm'
import { organizations } from '../../organizations/index.ts'
import { type Executor, type Id, type Transaction, violates } from '../../platform/index.ts'
import type { CoreExecutor, TenantExecutor } from '../../tenancy/index.ts'
import { coreUsers, tenantUsers, userErrors } from '../../users/index.ts'
import { sessions } from '../sessions/tables.ts'

/** Both databases call their people `users`, so what is the same for both is written once. */
export type AnyExecutor = Executor<'core'> | Executor<'tenant'>
export type AnyTx = Transaction<'core'> | Transaction<'tenant'>

/** What a person signs in with, on the platform or in one organization. */
export interface Account {
  readonly id: Id
  /** Canonical. */
  readonly email: string
  readonly emailVerifiedAt: Date | null
  readonly fullName: string | null
  readonly isActive: boolean
  /** Null where the password of the core user counts. */
  readonly passwordHash: string | null
  /** The core user to whom a tenant's user belongs. */
  readonly coreUserId: Id | null
}

export async function findAccount(db: AnyExecutor, id: Id): Promise<Account | undefined> {
  const [account] = await selectAccounts(db, eq(coreUsers.id, id))
  return account
}

/** @param email canonical */
export async function findAccountByEmail(db: AnyExecutor, email: string): Promise<Account | undefined> {
  const [account] = await selectAccounts(db, eq(coreUsers.email, email))
  return account
}

/** Finds an account and keeps it as it is until the transaction ends. */
export async function lockAccount(tx: AnyTx, id: Id): Promise<Account | undefined> {
  const [account] = await selectAccounts(tx, eq(coreUsers.id, id)).for('no key update')
  return account
}

/** Says whether the password is still the one that was checked, and lets nobody change it before the transaction ends. */
export async function isStillPassword(tx: AnyTx, id: Id, hash: string): Promise<boolean> {
  const isSame = and(eq(coreUsers.id, id), eq(coreUsers.passwordHash, hash))
  const rows = await tx.orm.select({ id: coreUsers.id }).from(coreUsers).where(isSame).for('share')
  return rows.length > 0
}

/** Writes a password that a person chose. */
export async function setPassword(tx: AnyTx, id: Id, passwordHash: string): Promise<void> {
  await tx.orm
    .update(coreUsers)
    .set({ passwordHash, passwordChangedAt: sql`now()`, updatedAt: sql`now()` })
    .where(eq(coreUsers.id, id))
}

/** Writes another hash of the same password, unless the password was changed meanwhile. */
export async function upgradeHash(db: AnyExecutor, id: Id, from: string, to: string): Promise<boolean> {
  const rows = await db.orm
    .update(coreUsers)
    .set({ passwordHash: to })
    .where(and(eq(coreUsers.id, id), eq(coreUsers.passwordHash, from)))
    .returning({ id: coreUsers.id })
  return rows.length > 0
}

/** Writes down that somebody reads what is sent to this address. */
export async function markVerified(db: AnyExecutor, id: Id): Promise<void> {
  await db.orm.update(coreUsers).set({ emailVerifiedAt: sql`now()` }).where(eq(coreUsers.id, id))
}

/**
 * Gives an account another address, which is verified.
 *
 * @throws userErrors.emailTaken
 */
export async function setEmail(tx: AnyTx, id: Id, email: string): Promise<void> {
  await tx.orm
    .update(coreUsers)
    .set({ email, emailVerifiedAt: sql`now()`, updatedAt: sql`now()` })
    .where(eq(coreUsers.id, id))
    .catch((error: unknown) => {
      throw violates(error, 'users_email_key') ? userErrors.emailTaken({ cause: error }) : error
    })
}

/** Organizations in whose databases a core user may be linked. */
export async function findLinkedTenants(core: CoreExecutor, coreUserId: Id): Promise<readonly Id[]> {
  const rows = await core.orm
    .select({ id: organizations.id })
    .from(organizations)
    .where(eq(organizations.ownerId, coreUserId))
  return rows.map(({ id }) => id)
}

/** The user of a tenant who belongs to a core user. */
export async function findLinkedUser(tenant: TenantExecutor, coreUserId: Id): Promise<Id | undefined> {
  const [row] = await tenant.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .where(eq(tenantUsers.coreUserId, coreUserId))
  return row?.id
}

/** When a session began. */
export async function findSessionStart(tenant: TenantExecutor, sessionId: Id): Promise<Date | undefined> {
  const [row] = await tenant.orm
    .select({ createdAt: sessions.createdAt })
    .from(sessions)
    .where(eq(sessions.id, sessionId))
  return row?.createdAt
}

function selectAccounts(db: AnyExecutor, isWanted: SQL) {
  return db.orm
    .select({
      id: coreUsers.id,
      email: coreUsers.email,
      emailVerifiedAt: coreUsers.emailVerifiedAt,
      fullName: coreUsers.fullName,
      isActive: coreUsers.isActive,
      passwordHash: sql<string | null>`${coreUsers.passwordHash}`,
      coreUserId:
        db.scope === 'tenant' ? sql<Id | null>`${tenantUsers.coreUserId}` : sql<Id | null>`null::uuid`,
    })
    .from(coreUsers)
    .where(isWanted)
}
