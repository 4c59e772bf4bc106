import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { SECOND_FACTOR_IS_REQUIRED } from '../organizations/index.ts'
import { type Id, preparedFor } from '../platform/index.ts'
import type { CoreExecutor, TenantExecutor } from '../tenancy/index.ts'
import {
  type CoreUser,
  coreUsers,
  type Impersonator,
  type TenantRole,
  type TenantUser,
  tenantUsers,
} from '../users/index.ts'
import { impersonations } from './impersonation/tables.ts'
import { STEP_UP_SECONDS } from './second-factor/errors.ts'
import type { Freshness } from './second-factor/step-up.ts'
import { secondFactors } from './second-factor/tables.ts'
import { isLive } from './sessions/store.ts'
import { sessions } from './sessions/tables.ts'

const { passwordHash: _core, ...CORE_USER } = getTableColumns(coreUsers)
const { passwordHash: _tenant, ...TENANT_USER } = getTableColumns(tenantUsers)

/** Somebody's user and what its session allows, found by one statement. */
export interface Found<User> extends Freshness {
  readonly user: User
  /** Whether the organization asks for a second factor and the user has not shown one. */
  readonly lacksSecondFactor: boolean
}

/** The same in an organization, where somebody may act as the user. */
export interface FoundMember extends Found<TenantUser> {
  readonly impersonator: Impersonator | null
}

/** Whether the user of a session proved lately who it is, by the database's clock. */
const IS_FRESH = sql<boolean>`${sessions.authenticatedAt} > now() - ${sql.raw(`interval '${STEP_UP_SECONDS} seconds'`)}`

/**
 * The factor of a linked user lies in another database: of it counts what the session says, which a refresh sees to.
 * So it is with who came through an identity provider, where a factor of one's own is not asked for. Everybody else must
 * have one now. An administrator who acts as the user proved who it is on the platform.
 */
const LACKS_SECOND_FACTOR = sql<boolean>`${SECOND_FACTOR_IS_REQUIRED} AND CASE
  WHEN ${impersonations.id} IS NOT NULL THEN false
  WHEN ${tenantUsers.coreUserId} IS NOT NULL OR 'sso' = ANY(${sessions.amr}) THEN ${sessions.secondFactorAt} IS NULL
  ELSE NOT EXISTS (SELECT FROM ${secondFactors}
    WHERE ${secondFactors.userId} = ${tenantUsers.id} AND ${secondFactors.confirmedAt} IS NOT NULL) END`

const IMPERSONATOR = {
  id: impersonations.adminId,
  isReadOnly: impersonations.isReadOnly,
  expiresAt: impersonations.expiresAt,
}

/** What an active member is; `undefined` for anybody else. */
export async function findRole(tenant: TenantExecutor, userId: Id): Promise<TenantRole | undefined> {
  const [row] = await tenant.orm
    .select({ role: tenantUsers.role })
    .from(tenantUsers)
    .where(and(eq(tenantUsers.id, userId), tenantUsers.isActive))
  return row?.role
}

/** The core user of a live session, as long as both may be used: checked by the statement that loads the user. */
export async function findCorePrincipal(
  core: CoreExecutor,
  sessionId: Id,
  userId: Id,
): Promise<Found<CoreUser> | undefined> {
  const [found] = await corePrincipal(core).execute({ sessionId, userId })
  return found
}

/** The tenant user of a live session; like `findCorePrincipal`. */
export async function findTenantPrincipal(
  tenant: TenantExecutor,
  sessionId: Id,
  userId: Id,
): Promise<FoundMember | undefined> {
  const [found] = await tenantPrincipal(tenant).execute({ sessionId, userId })
  return found
}

const corePrincipal = preparedFor((orm) =>
  orm
    .select({ user: CORE_USER, isFresh: IS_FRESH, lacksSecondFactor: sql<boolean>`false` })
    .from(sessions)
    .innerJoin(coreUsers, eq(coreUsers.id, sessions.userId))
    .where(
      and(
        isLive(sql.placeholder('sessionId')),
        eq(coreUsers.id, sql.placeholder('userId')),
        coreUsers.isActive,
      ),
    )
    .prepare('core_principal'),
)

const tenantPrincipal = preparedFor((orm) =>
  orm
    .select({
      user: TENANT_USER,
      isFresh: sql<boolean>`${IS_FRESH} AND ${impersonations.id} IS NULL`,
      lacksSecondFactor: LACKS_SECOND_FACTOR,
      impersonator: IMPERSONATOR,
    })
    .from(sessions)
    .innerJoin(tenantUsers, eq(tenantUsers.id, sessions.userId))
    .leftJoin(impersonations, eq(impersonations.id, sessions.id))
    .where(
      and(
        isLive(sql.placeholder('sessionId')),
        eq(tenantUsers.id, sql.placeholder('userId')),
        tenantUsers.isActive,
      ),
    )
    .prepare('tenant_principal'),
)
