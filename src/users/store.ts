import { eq, sql } from 'drizzle-orm'
import { type AuditEntry, auditOf } from '../audit/index.ts'
import { type Id, newId, preparedFor, violates } from '../platform/index.ts'
import type { CoreExecutor, TenantExecutor, TenantTx } from '../tenancy/index.ts'
import { userAudit } from './audit.ts'
import { userErrors } from './errors.ts'
import { coreUsers, tenantUsers } from './tables.ts'
import type {
  CoreUser,
  CoreUserRow,
  NewTenantUser,
  ProfileChanges,
  TenantUser,
  TenantUserRow,
} from './types.ts'

/** @throws userErrors.emailTaken */
export async function insertCoreUser(
  core: CoreExecutor,
  user: { id: Id; email: string; passwordHash: string; fullName: string | null },
): Promise<CoreUser> {
  const [row] = await core.orm.insert(coreUsers).values(user).returning().catch(refuseDuplicate)
  return withoutHash(need(row))
}

export async function findCoreUser(core: CoreExecutor, id: Id): Promise<CoreUserRow | undefined> {
  const [row] = await core.orm.select().from(coreUsers).where(eq(coreUsers.id, id))
  return row
}

/** @param email canonical */
export async function findCoreUserByEmail(
  core: CoreExecutor,
  email: string,
): Promise<CoreUserRow | undefined> {
  const [row] = await coreUserByEmail(core).execute({ email })
  return row
}

const coreUserByEmail = preparedFor((orm) =>
  orm
    .select()
    .from(coreUsers)
    .where(eq(coreUsers.email, sql.placeholder('email')))
    .prepare('core_user_by_email'),
)

/**
 * Lets a platform user operate the platform; `undefined` when there is none with this address.
 *
 * @param email canonical
 */
export async function makeAdmin(core: CoreExecutor, email: string): Promise<CoreUser | undefined> {
  const [row] = await core.orm
    .update(coreUsers)
    .set({ isAdmin: true, updatedAt: sql`now()` })
    .where(eq(coreUsers.email, email))
    .returning()
  return row && withoutHash(row)
}

/** @throws userErrors.emailTaken */
export async function insertTenantUser(tenant: TenantExecutor, user: NewTenantUser): Promise<TenantUser> {
  const [row] = await tenant.orm.insert(tenantUsers).values(user).returning().catch(refuseDuplicate)
  return withoutHash(need(row))
}

/**
 * Puts the owner into a new tenant; a second time changes nothing, and records nothing.
 *
 * @param entry records it
 * @param isFlushedLater the commit returns before the disk has it, because a later one waits for this one too
 */
export async function upsertOwner(
  tenant: TenantExecutor,
  owner: { id: Id; coreUserId: Id; email: string; fullName: string | null },
  isFlushedLater: boolean,
  entry: AuditEntry,
): Promise<void> {
  const { id, coreUserId, email, fullName } = owner
  // One statement: the birth of an organization waits for each.
  const { rowCount } = await tenant.orm.execute(
    sql`WITH made AS (
        INSERT INTO users (id, core_user_id, email, full_name, is_owner, role)
        SELECT ${id}::uuid, ${coreUserId}::uuid, ${email}, ${fullName}, true, 'owner'
        WHERE NOT EXISTS (SELECT FROM users WHERE core_user_id IS DISTINCT FROM ${coreUserId}::uuid)
        ON CONFLICT (core_user_id) DO NOTHING
        RETURNING id
      ), audit AS (${auditOf('made', entry)})
      SELECT CASE WHEN ${isFlushedLater} THEN set_config('synchronous_commit', 'off', true) END FROM made`,
  )
  if (rowCount) return
  const [known] = await tenant.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .where(eq(tenantUsers.coreUserId, coreUserId))
  // A core database that came back from a backup may have forgotten who got this one.
  if (!known) throw new Error('the database of a new organization holds somebody else’s users')
}

/** What putting the owner in makes the server read, without an owner. */
export async function rehearseOwner(tenant: TenantExecutor): Promise<void> {
  const { id, coreUserId, email, isOwner, role } = tenantUsers
  const columns = sql.join(
    [id, coreUserId, email, isOwner, role].map(({ name }) => sql.identifier(name)),
    sql`, `,
  )
  await tenant.orm.execute(
    sql`WITH made AS (
        INSERT INTO ${tenantUsers} (${columns}) SELECT ${newId()}::uuid, ${newId()}::uuid, '', true, 'owner' WHERE false
        ON CONFLICT (${sql.identifier(coreUserId.name)}) DO NOTHING
        RETURNING id
      ), audit AS (${auditOf('made', userAudit('admin.created', { actor: { kind: 'system' } }))})
      SELECT FROM made`,
  )
}

/** @param email canonical */
export async function findTenantUserByEmail(
  tenant: TenantExecutor,
  email: string,
): Promise<TenantUserRow | undefined> {
  const [row] = await tenantUserByEmail(tenant).execute({ email })
  return row
}

const tenantUserByEmail = preparedFor((orm) =>
  orm
    .select()
    .from(tenantUsers)
    .where(eq(tenantUsers.email, sql.placeholder('email')))
    .prepare('tenant_user_by_email'),
)

/**
 * Reads a user whom nobody else changes until the transaction ends; `undefined` when the user is gone. New sessions may
 * refer to the row meanwhile.
 */
export async function lockTenantUser(tx: TenantTx, id: Id): Promise<TenantUser | undefined> {
  const [row] = await tx.orm.select().from(tenantUsers).where(eq(tenantUsers.id, id)).for('no key update')
  return row && withoutHash(row)
}

/** Changes what is given and leaves the rest; `undefined` when the user is gone. */
export async function updateProfile(
  tenant: TenantExecutor,
  id: Id,
  changes: ProfileChanges,
): Promise<TenantUser | undefined> {
  const [row] = await tenant.orm
    .update(tenantUsers)
    .set({ ...changes, updatedAt: sql`now()` })
    .where(eq(tenantUsers.id, id))
    .returning()
  return row && withoutHash(row)
}

function refuseDuplicate(error: unknown): never {
  throw violates(error, 'users_email_key') ? userErrors.emailTaken({ cause: error }) : error
}

/** Hashes stay below the service: what leaves the store through this cannot leak one. */
function withoutHash<Row extends { passwordHash: string | null }>(row: Row): Omit<Row, 'passwordHash'> {
  const { passwordHash: _, ...user } = row
  return user
}

function need<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Error('an insert returned no row')
  return row
}
