import { and, eq, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import type { TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { ssoConnections } from '../tables.ts'

/** An organization's identity provider. */
export type Connection = Omit<typeof ssoConnections.$inferSelect, 'singleton'>

/** What can be set of it. */
export type ConnectionSettings = Omit<Connection, 'id' | 'createdAt' | 'updatedAt'>

export async function findConnection(tenant: TenantExecutor): Promise<Connection | undefined> {
  const [row] = await tenant.orm.select().from(ssoConnections)
  return row
}

/**
 * The connection of a sign-in, if people may still get in through it as it was when that began. Nobody changes it before the
 * transaction ends.
 */
export async function holdConnection(tx: TenantTx, revision: Id): Promise<Connection | undefined> {
  const isSame = and(eq(ssoConnections.revision, revision), ssoConnections.isEnabled)
  const [row] = await tx.orm.select().from(ssoConnections).where(isSame).for('share')
  return row
}

/** Writes the connection in place of the one that there was, which keeps its id. */
export async function putConnection(tx: TenantTx, id: Id, settings: ConnectionSettings): Promise<Connection> {
  const [row] = await tx.orm
    .insert(ssoConnections)
    .values({ id, ...settings })
    .onConflictDoUpdate({ target: ssoConnections.singleton, set: { ...settings, updatedAt: sql`now()` } })
    .returning()
  if (!row) throw new Error('an upsert returned no row')
  return row
}

/** Says whether there was one. Identities stay: they name their issuer, and count again when it comes back. */
export async function deleteConnection(tx: TenantTx): Promise<Connection | undefined> {
  const [row] = await tx.orm.delete(ssoConnections).returning()
  return row
}
