import { asc, count, eq, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import { servers, tenants } from '../tables.ts'
import type { CoreExecutor, CoreTx } from '../types.ts'

export type ServerRecord = typeof servers.$inferSelect

/** A server with the number of databases on it, spares included. */
export interface ServerLoad extends ServerRecord {
  readonly tenants: number
}

export async function findServer(core: CoreExecutor, id: Id): Promise<ServerRecord | undefined> {
  const [row] = await core.orm.select().from(servers).where(eq(servers.id, id))
  return row
}

/** Every server, oldest first. */
export async function listServers(core: CoreExecutor): Promise<ServerRecord[]> {
  return await core.orm.select().from(servers).orderBy(asc(servers.createdAt), asc(servers.id))
}

/** Every server with its load, the emptiest first. */
export async function listServerLoads(core: CoreExecutor): Promise<ServerLoad[]> {
  const loads = core.orm
    .select({ serverId: tenants.serverId, tenants: count().as('tenants') })
    .from(tenants)
    .groupBy(tenants.serverId)
    .as('loads')
  const rows = await core.orm
    .select({ server: servers, tenants: sql<number>`coalesce(${loads.tenants}, 0)::int` })
    .from(servers)
    .leftJoin(loads, eq(loads.serverId, servers.id))
    .orderBy(sql`coalesce(${loads.tenants}, 0)`, asc(servers.id))
  return rows.map((row) => ({ ...row.server, tenants: row.tenants }))
}

/** Holds off everybody else who places tenants, as long as the transaction lasts, so that each counts the one before. */
export async function lockPlacement(core: CoreTx): Promise<void> {
  await core.orm.execute(sql`SELECT pg_advisory_xact_lock(hashtext('tenantry placement'))`)
}

/** @throws a duplicate of `servers_name_key` when the name is taken */
export async function insertServer(
  core: CoreExecutor,
  server: Pick<ServerRecord, 'id' | 'name' | 'sealedUrl' | 'region' | 'capacity'>,
): Promise<void> {
  await core.orm.insert(servers).values(server)
}

/** Stops, or allows again, that new tenants are placed on a server. False when there is none of this name. */
export async function setDraining(core: CoreExecutor, name: string, isDraining: boolean): Promise<boolean> {
  const rows = await core.orm
    .update(servers)
    .set({ isDraining })
    .where(eq(servers.name, name))
    .returning({ id: servers.id })
  return rows.length === 1
}

/** How many tenants, and how many spares, each server holds; one without any is left out. */
export async function countTenantsByServer(
  core: CoreExecutor,
): Promise<ReadonlyMap<Id, { readonly tenants: number; readonly spares: number }>> {
  const isSpare = sql`${tenants.status} IN ('spare', 'preparing')`
  const rows = await core.orm
    .select({
      serverId: tenants.serverId,
      tenants: sql<number>`count(*) FILTER (WHERE NOT ${isSpare})::int`,
      spares: sql<number>`count(*) FILTER (WHERE ${isSpare})::int`,
    })
    .from(tenants)
    .groupBy(tenants.serverId)
  return new Map(rows.map(({ serverId, ...counts }) => [serverId, counts]))
}
