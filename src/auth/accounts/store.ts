import { and, eq, type SQL, sql } from 'drizzle-orm'
import { union } from 'drizzle-orm/pg-core'
import { memberships, organizations } from '../../organizations/index.ts'
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
  const users = usersOf(db)
  const [account] = await selectAccounts(db, eq(users.id, id))
  return account
}

/** @param email canonical */
export async function findAccountByEmail(db: AnyExecutor, email: string): Promise<Account | undefined> {
  const users = usersOf(db)
  const [account] = await selectAccounts(db, eq(users.email, email))
  return account
}

/** Finds an account and keeps it as it is until the transaction ends. */
export async function lockAccount(tx: AnyTx, id: Id): Promise<Account | undefined> {
  const users = usersOf(tx)
  const [account] = await selectAccounts(tx, eq(users.id, id)).for('no key update')
  return account
}

/**
 * Says whether somebody may still sign in with the password that was checked. Nobody changes it, or deactivates its user,
 * before the transaction ends.
 */
export async function isStillPassword(tx: AnyTx, id: Id, hash: string): Promise<boolean> {
  const users = usersOf(tx)
  const isSame = and(eq(users.id, id), eq(users.passwordHash, hash), users.isActive)
  const rows = await tx.orm.select({ id: users.id }).from(users).where(isSame).for('share')
  return rows.length > 0
}

/** Says whether a user may still sign in. Nobody deactivates it before the transaction ends. */
export async function isStillActive(tx: AnyTx, id: Id): Promise<boolean> {
  const users = usersOf(tx)
  const isSame = and(eq(users.id, id), users.isActive)
  const rows = await tx.orm.select({ id: users.id }).from(users).where(isSame).for('share')
  return rows.length > 0
}

/** Writes a password that a person chose. */
export async function setPassword(tx: AnyTx, id: Id, passwordHash: string): Promise<void> {
  const users = usersOf(tx)
  await tx.orm
    .update(users)
    .set({ passwordHash, passwordChangedAt: sql`now()`, updatedAt: sql`now()` })
    .where(eq(users.id, id))
}

/** Writes another hash of the same password, unless the password was changed meanwhile. */
export async function upgradeHash(db: AnyExecutor, id: Id, from: string, to: string): Promise<boolean> {
  const users = usersOf(db)
  const rows = await db.orm
    .update(users)
    .set({ passwordHash: to })
    .where(and(eq(users.id, id), eq(users.passwordHash, from)))
    .returning({ id: users.id })
  return rows.length > 0
}

/** Writes down that somebody reads what is sent to this address. */
export async function markVerified(db: AnyExecutor, id: Id): Promise<void> {
  const users = usersOf(db)
  await db.orm.update(users).set({ emailVerifiedAt: sql`now()` }).where(eq(users.id, id))
}

/**
 * Gives an account another address, which is verified.
 *
 * @throws userErrors.emailTaken
 */
export async function setEmail(tx: AnyTx, id: Id, email: string): Promise<void> {
  const users = usersOf(tx)
  await tx.orm
    .update(users)
    .set({ email, emailVerifiedAt: sql`now()`, updatedAt: sql`now()` })
    .where(eq(users.id, id))
    .catch((error: unknown) => {
      throw violates(error, 'users_email_key') ? userErrors.emailTaken({ cause: error }) : error
    })
}

/** Organizations in whose databases a core user may be linked. */
export async function findLinkedTenants(core: CoreExecutor, coreUserId: Id): Promise<readonly Id[]> {
  const owned = core.orm
    .select({ id: organizations.id })
    .from(organizations)
    .where(eq(organizations.ownerId, coreUserId))
  const joined = core.orm
    .select({ id: memberships.organizationId })
    .from(memberships)
    .where(eq(memberships.coreUserId, coreUserId))
  const rows = await union(owned, joined)
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

/**
 * The users of a database by its own model. The query builder keeps the columns of a table by the table's name, so that the
 * other database's users, asked for once over the same connections, would stand for these from then on.
 */
function usersOf({ scope }: AnyExecutor): typeof coreUsers {
  // What both have is all that is asked for here, apart from `coreUserId`.
  return scope === 'tenant' ? (tenantUsers as unknown as typeof coreUsers) : coreUsers
}

function selectAccounts(db: AnyExecutor, isWanted: SQL) {
  const users = usersOf(db)
  return db.orm
    .select({
      id: users.id,
      email: users.email,
      emailVerifiedAt: users.emailVerifiedAt,
      fullName: users.fullName,
      isActive: users.isActive,
      passwordHash: sql<string | null>`${users.passwordHash}`,
      coreUserId:
        db.scope === 'tenant' ? sql<Id | null>`${tenantUsers.coreUserId}` : sql<Id | null>`null::uuid`,
    })
    .from(users)
    .where(isWanted)
}
