import { and, desc, eq, getTableColumns, gt, isNull, lt, type SQL, sql } from 'drizzle-orm'
import { type Id, preparedFor } from '../../platform/index.ts'
import type { CoreExecutor, TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { coreUsers, type TenantUser, tenantUsers } from '../../users/index.ts'
import type { Origin } from '../sessions/origin.ts'
import type { AnyExecutor } from '../sessions/store.ts'
import { sessions } from '../sessions/tables.ts'
import { type Ending, impersonations } from './tables.ts'

export type ImpersonationRow = typeof impersonations.$inferSelect
/** One as it is listed. */
export type Impersonation = Omit<ImpersonationRow, 'coreSessionId' | 'endedBy'> & { readonly isLive: boolean }

const {
  id,
  organizationId,
  userId,
  adminId,
  coreSessionId,
  reason,
  isReadOnly,
  createdAt,
  expiresAt,
  endedAt,
} = impersonations
const { passwordHash: _, ...TENANT_USER } = getTableColumns(tenantUsers)
const OPEN = and(isNull(endedAt), gt(expiresAt, sql`now()`))
const SESSION_GOES_ON = sql`${sessions.revokedAt} IS NULL AND ${sessions.expiresAt} > now()`
const ADMIN_MAY_ACT = and(coreUsers.isActive, coreUsers.isAdmin)

/** Writes one into the core database, whose clock says when it ends. */
export async function insertImpersonation(
  core: CoreExecutor,
  row: Pick<
    ImpersonationRow,
    'id' | 'organizationId' | 'userId' | 'adminId' | 'coreSessionId' | 'reason' | 'isReadOnly'
  >,
  minutes: number,
): Promise<ImpersonationRow> {
  const [written] = await core.orm
    .insert(impersonations)
    .values({ ...row, expiresAt: sql`now() + make_interval(mins => ${minutes})` })
    .returning()
  if (!written) throw new Error('INSERT gave no row')
  return written
}

/**
 * Writes one into the tenant database, with a session that has no refresh token and is never fresh. Gives the whole
 * seconds that it lives.
 */
export async function insertActedSession(
  tx: TenantTx,
  row: ImpersonationRow,
  origin: Origin,
): Promise<number> {
  await tx.orm.insert(impersonations).values(row)
  const [session] = await tx.orm
    .insert(sessions)
    .values({
      id: row.id,
      userId: row.userId,
      ...origin,
      // The user proved nothing.
      amr: [],
      authenticatedAt: sql`to_timestamp(0)`,
      expiresAt: row.expiresAt,
    })
    .returning({ left: sql<number>`floor(extract(epoch from ${sessions.expiresAt} - now()))::integer` })
  return session?.left ?? 0
}

/** @param who by id, or by canonical e-mail address */
export async function findTarget(
  tenant: TenantExecutor,
  who: { readonly userId: Id } | { readonly email: string },
): Promise<Pick<TenantUser, 'id' | 'isActive'> | undefined> {
  const isWanted = 'userId' in who ? eq(tenantUsers.id, who.userId) : eq(tenantUsers.email, who.email)
  const [row] = await tenant.orm
    .select({ id: tenantUsers.id, isActive: tenantUsers.isActive })
    .from(tenantUsers)
    .where(isWanted)
  return row
}

/** Gives an active user. Whoever deactivates it waits until the transaction ends, and then ends what began in it. */
export async function holdTarget(tx: TenantTx, target: Id): Promise<TenantUser | undefined> {
  const [row] = await tx.orm
    .select(TENANT_USER)
    .from(tenantUsers)
    .where(and(eq(tenantUsers.id, target), tenantUsers.isActive))
    .for('share')
  return row
}

/** Addresses of the active owners. */
export async function listOwnerAddresses(tenant: TenantExecutor): Promise<string[]> {
  const rows = await tenant.orm
    .select({ email: tenantUsers.email })
    .from(tenantUsers)
    .where(and(eq(tenantUsers.role, 'owner'), tenantUsers.isActive))
  return rows.map(({ email }) => email)
}

/** Whether the platform lets one go on: its administrator is one, with the session that began it, and nobody ended it. */
export async function goesOn(core: CoreExecutor, impersonation: Id, admin: Id): Promise<boolean> {
  return (await goingOn(core).execute({ id: impersonation, adminId: admin })).length > 0
}

const goingOn = preparedFor((orm) =>
  orm
    .select({ id })
    .from(impersonations)
    .innerJoin(coreUsers, eq(coreUsers.id, adminId))
    .innerJoin(sessions, eq(sessions.id, coreSessionId))
    .where(
      and(
        eq(id, sql.placeholder('id')),
        eq(adminId, sql.placeholder('adminId')),
        OPEN,
        SESSION_GOES_ON,
        ADMIN_MAY_ACT,
      ),
    )
    .prepare('impersonation_goes_on'),
)

export async function findImpersonation(db: AnyExecutor, wanted: Id): Promise<ImpersonationRow | undefined> {
  const [row] = await db.orm.select().from(impersonations).where(eq(id, wanted))
  return row
}

/** Ends one that nobody ended before, and gives it. */
export async function endImpersonation(
  db: AnyExecutor,
  wanted: Id,
  by: Ending,
): Promise<ImpersonationRow | undefined> {
  return (await end(db, eq(id, wanted), by))[0]
}

/** Ends all of an organization, with their sessions. Gives those that it ended. */
export async function endEveryImpersonation(tx: TenantTx, by: Ending): Promise<ImpersonationRow[]> {
  const ended = await end(tx, undefined, by)
  for (const { id: sessionId } of ended) await revokeActedSession(tx, sessionId)
  return ended
}

export async function revokeActedSession(tx: TenantTx, sessionId: Id): Promise<void> {
  await tx.orm
    .update(sessions)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(sessions.id, sessionId), isNull(sessions.revokedAt)))
}

/** Those of the whole platform, newest first. @param after the id of the last one that was seen */
export async function listOfPlatform(core: CoreExecutor, after: Id | undefined, limit: number) {
  const isLive = sql<boolean>`coalesce(${and(OPEN, SESSION_GOES_ON, ADMIN_MAY_ACT)}, false)`
  return await core.orm
    .select({ ...LISTED, isLive })
    .from(impersonations)
    .leftJoin(sessions, eq(sessions.id, coreSessionId))
    .leftJoin(coreUsers, eq(coreUsers.id, adminId))
    .where(behind(after))
    .orderBy(desc(id))
    .limit(limit)
}

/** Those of an organization, newest first; like `listOfPlatform`. */
export async function listOfOrganization(tenant: TenantExecutor, after: Id | undefined, limit: number) {
  const isLive = sql<boolean>`coalesce(${and(OPEN, SESSION_GOES_ON)}, false)`
  return await tenant.orm
    .select({ ...LISTED, isLive })
    .from(impersonations)
    .leftJoin(sessions, eq(sessions.id, id))
    .where(behind(after))
    .orderBy(desc(id))
    .limit(limit)
}

/** Its own end, or that of its session, whoever ended that. */
const LISTED = {
  id,
  organizationId,
  userId,
  adminId,
  reason,
  isReadOnly,
  createdAt,
  expiresAt,
  endedAt: sql<Date | null>`coalesce(${endedAt}, CASE WHEN ${sessions.revokedAt} < ${expiresAt}
    THEN ${sessions.revokedAt} END)`.mapWith(endedAt),
}

function behind(after: Id | undefined): SQL | undefined {
  return after === undefined ? undefined : lt(id, after)
}

async function end(db: AnyExecutor, which: SQL | undefined, by: Ending): Promise<ImpersonationRow[]> {
  return await db.orm
    .update(impersonations)
    .set({ endedAt: sql`now()`, endedBy: by })
    .where(and(which, OPEN))
    .returning()
}
