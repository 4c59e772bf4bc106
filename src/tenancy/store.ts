import { and, asc, eq, sql } from 'drizzle-orm'
import type { Id } from '../platform/index.ts'
import { installation, tenants } from './tables.ts'
import type { CoreExecutor, TenantRecord, TenantStatus } from './types.ts'

const RECORD = {
  id: tenants.id,
  status: tenants.status,
  serverId: tenants.serverId,
  databaseName: tenants.databaseName,
  epoch: tenants.epoch,
  credentialsVersion: tenants.credentialsVersion,
  sealedPassword: tenants.sealedPassword,
  sealedPreviousPassword: tenants.sealedPreviousPassword,
  schemaVersion: tenants.schemaVersion,
  migrationsApplied: tenants.migrationsApplied,
}

/** Which migrations a tenant's database holds. */
export type SchemaState = Pick<TenantRecord, 'schemaVersion' | 'migrationsApplied'> & {
  /** `checksumOf` what the ledger holds. */
  readonly schemaChecksum?: string
}

/** This installation's identity, made at the first call. */
export async function findOrCreateInstallationId(core: CoreExecutor): Promise<Id> {
  const find = () => core.orm.select({ id: installation.id }).from(installation)
  const [known] = await find()
  if (known) return known.id
  await core.orm.insert(installation).values({}).onConflictDoNothing()
  const [row] = await find()
  if (!row) throw new Error('the installation has no identity')
  return row.id
}

export async function findTenant(core: CoreExecutor, id: Id): Promise<TenantRecord | undefined> {
  const [row] = await core.orm.select(RECORD).from(tenants).where(eq(tenants.id, id))
  return row
}

/** Every tenant, spares included, oldest first (ids begin with their time). */
export async function listTenants(core: CoreExecutor): Promise<TenantRecord[]> {
  return await core.orm.select(RECORD).from(tenants).orderBy(asc(tenants.id))
}

/** Everything that is recorded of a tenant, for operators. */
export async function findTenantDetails(
  core: CoreExecutor,
  id: Id,
): Promise<typeof tenants.$inferSelect | undefined> {
  const [row] = await core.orm.select().from(tenants).where(eq(tenants.id, id))
  return row
}

/** Changes a tenant's status from one to another; a trigger tells every process. False when it was not `from`. */
export async function setTenantStatus(
  core: CoreExecutor,
  id: Id,
  from: TenantStatus,
  to: TenantStatus,
): Promise<boolean> {
  const rows = await core.orm
    .update(tenants)
    .set({ status: to, updatedAt: sql`now()` })
    .where(and(eq(tenants.id, id), eq(tenants.status, from)))
    .returning({ id: tenants.id })
  return rows.length === 1
}
