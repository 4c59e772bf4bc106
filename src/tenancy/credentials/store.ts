import { and, eq, inArray, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import { tenants } from '../tables.ts'
import type { CoreExecutor, CoreTx } from '../types.ts'

const PASSWORD = {
  status: tenants.status,
  serverId: tenants.serverId,
  databaseName: tenants.databaseName,
  sealedPassword: tenants.sealedPassword,
  sealedPreviousPassword: tenants.sealedPreviousPassword,
  credentialsVersion: tenants.credentialsVersion,
}

export async function findPassword(core: CoreExecutor, tenantId: Id) {
  const [row] = await core.orm.select(PASSWORD).from(tenants).where(eq(tenants.id, tenantId))
  return row
}

/**
 * Records the password that the server is about to get, and keeps the one that it has.
 *
 * @returns `undefined` when `version` is not the newest any more, or somebody works on its role by now
 */
export async function recordNextPassword(
  core: CoreExecutor,
  tenantId: Id,
  version: number,
  sealedPassword: string,
) {
  const [row] = await core.orm
    .update(tenants)
    .set({
      sealedPassword,
      sealedPreviousPassword: tenants.sealedPassword,
      credentialsVersion: version + 1,
      updatedAt: sql`now()`,
    })
    .where(
      and(
        eq(tenants.id, tenantId),
        eq(tenants.credentialsVersion, version),
        inArray(tenants.status, ['active', 'suspended', 'spare']),
      ),
    )
    .returning(PASSWORD)
  return row
}

/** Forgets the password before, which the server does not have any more. */
export async function confirmPassword(core: CoreExecutor, tenantId: Id, version: number): Promise<void> {
  await core.orm
    .update(tenants)
    .set({ sealedPreviousPassword: null })
    .where(and(eq(tenants.id, tenantId), eq(tenants.credentialsVersion, version)))
}

/** Holds off everybody else who changes this tenant's password, as long as the transaction lasts. */
export async function lockPassword(core: CoreTx, tenantId: Id): Promise<void> {
  await core.orm.execute(sql`SELECT pg_advisory_xact_lock(hashtext(${`tenantry credentials ${tenantId}`}))`)
}
