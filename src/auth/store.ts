import { and, eq, getTableColumns, sql } from 'drizzle-orm'
import { type Id, preparedFor } from '../platform/index.ts'
import type { CoreExecutor, TenantExecutor } from '../tenancy/index.ts'
import { type CoreUser, coreUsers, type TenantUser, tenantUsers } from '../users/index.ts'
import { isLive } from './sessions/store.ts'
import { sessions } from './sessions/tables.ts'

const { passwordHash: _core, ...CORE_USER } = getTableColumns(coreUsers)
const { passwordHash: _tenant, ...TENANT_USER } = getTableColumns(tenantUsers)

/** The core user of a live session, as long as both may be used: checked by the statement that loads the user. */
export async function findCorePrincipal(
  core: CoreExecutor,
  sessionId: Id,
  userId: Id,
): Promise<CoreUser | undefined> {
  const [user] = await corePrincipal(core).execute({ sessionId, userId })
  return user
}

/** The tenant user of a live session; like `findCorePrincipal`. */
export async function findTenantPrincipal(
  tenant: TenantExecutor,
  sessionId: Id,
  userId: Id,
): Promise<TenantUser | undefined> {
  const [user] = await tenantPrincipal(tenant).execute({ sessionId, userId })
  return user
}

const corePrincipal = preparedFor((orm) =>
  orm
    .select(CORE_USER)
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
    .select(TENANT_USER)
    .from(sessions)
    .innerJoin(tenantUsers, eq(tenantUsers.id, sessions.userId))
    .where(
      and(
        isLive(sql.placeholder('sessionId')),
        eq(tenantUsers.id, sql.placeholder('userId')),
        tenantUsers.isActive,
      ),
    )
    .prepare('tenant_principal'),
)
