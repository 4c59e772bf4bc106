import { and, count, desc, eq, getTableColumns, gt, isNull, lt, sql } from 'drizzle-orm'
import { type Id, preparedFor } from '../../platform/index.ts'
import type { TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { type TenantRole, type TenantUser, tenantUsers } from '../../users/index.ts'
import { apiKeys } from './tables.ts'

const { secretHash: _, ...KEY } = getTableColumns(apiKeys)
const { passwordHash: _hash, ...CREATOR } = getTableColumns(tenantUsers)

export const KEY_STATUSES = ['active', 'expired', 'revoked'] as const
export type KeyStatus = (typeof KEY_STATUSES)[number]

const STATUS = sql<KeyStatus>`case when ${apiKeys.revokedAt} is not null then 'revoked'
  when ${apiKeys.expiresAt} <= now() then 'expired' else 'active' end`
const LISTED = { ...KEY, status: STATUS }
const LIVE = and(isNull(apiKeys.revokedAt), gt(apiKeys.expiresAt, sql`now()`))

/** How old the note of a key's last use may be. */
const IS_USE_STALE = sql<boolean>`coalesce(${apiKeys.lastUsedAt} < now() - interval '1 minute', true)`

/** A key as those who manage keys see it: not what it is proved with. */
export type ApiKey = Omit<typeof apiKeys.$inferSelect, 'secretHash'> & { readonly status: KeyStatus }

/** A key, whatever its state, and in whose name it acts. */
export interface PresentedKey {
  readonly secretHash: string
  readonly scopes: string[]
  readonly status: KeyStatus
  readonly isUseStale: boolean
  readonly user: TenantUser
}

const presentedKey = preparedFor((orm) =>
  orm
    .select({
      secretHash: apiKeys.secretHash,
      scopes: apiKeys.scopes,
      status: STATUS,
      isUseStale: IS_USE_STALE,
      user: CREATOR,
    })
    .from(apiKeys)
    .innerJoin(tenantUsers, eq(tenantUsers.id, apiKeys.createdBy))
    .where(eq(apiKeys.id, sql.placeholder('id')))
    .prepare('api_key_principal'),
)

/** All that is to be known of a key that somebody shows, in one statement; `undefined` when there is none with this id. */
export async function findPresentedKey(tenant: TenantExecutor, id: Id): Promise<PresentedKey | undefined> {
  const [found] = await presentedKey(tenant).execute({ id })
  return found
}

/** Notes a use, unless another one of the last minute is noted. */
export async function noteUse(tenant: TenantExecutor, id: Id, network: string | null): Promise<void> {
  await tenant.orm
    .update(apiKeys)
    .set({ lastUsedAt: sql`now()`, lastUsedFrom: network })
    .where(and(eq(apiKeys.id, id), IS_USE_STALE))
}

/** What decides about a new key; `undefined` when its maker is gone. True until the end behind the lock of members. */
export async function findMaker(
  tx: TenantTx,
  id: Id,
): Promise<{ role: TenantRole; isActive: boolean } | undefined> {
  const { role, isActive } = tenantUsers
  const [row] = await tx.orm.select({ role, isActive }).from(tenantUsers).where(eq(tenantUsers.id, id))
  return row
}

/** How many keys are neither revoked nor expired. */
export async function countLiveKeys(tx: TenantTx): Promise<number> {
  const [row] = await tx.orm.select({ live: count() }).from(apiKeys).where(LIVE)
  return row?.live ?? 0
}

/** @param days that it is good for */
export async function insertKey(
  tx: TenantTx,
  key: Pick<typeof apiKeys.$inferSelect, 'id' | 'name' | 'secretHash' | 'scopes' | 'createdBy'>,
  days: number,
): Promise<ApiKey> {
  const [row] = await tx.orm
    .insert(apiKeys)
    // Hours, because a day of a time zone may have 23 or 25.
    .values({ ...key, expiresAt: sql`now() + make_interval(hours => ${24 * days})` })
    .returning(LISTED)
  if (!row) throw new Error('an insert returned no row')
  return row
}

export async function findKey(tenant: TenantExecutor, id: Id): Promise<ApiKey | undefined> {
  const [row] = await tenant.orm.select(LISTED).from(apiKeys).where(eq(apiKeys.id, id))
  return row
}

/** Newest first. @param after the id of the last one that was seen */
export async function listKeys(
  tenant: TenantExecutor,
  status: KeyStatus | undefined,
  after: Id | undefined,
  limit: number,
): Promise<ApiKey[]> {
  return await tenant.orm
    .select(LISTED)
    .from(apiKeys)
    .where(and(after === undefined ? undefined : lt(apiKeys.id, after), status && eq(STATUS, status)))
    .orderBy(desc(apiKeys.id))
    .limit(limit)
}

/** `undefined` when there is none with this id. */
export async function renameKey(tx: TenantTx, id: Id, name: string): Promise<ApiKey | undefined> {
  const [row] = await tx.orm.update(apiKeys).set({ name }).where(eq(apiKeys.id, id)).returning(LISTED)
  return row
}

/** Ends a key from the next request on. Says whether it was not revoked before. */
export async function revokeKey(tx: TenantTx, id: Id, by: Id): Promise<boolean> {
  const rows = await tx.orm
    .update(apiKeys)
    .set({ revokedAt: sql`now()`, revokedBy: by })
    .where(and(eq(apiKeys.id, id), isNull(apiKeys.revokedAt)))
    .returning({ id: apiKeys.id })
  return rows.length > 0
}

/** Ends every key that somebody made: of who is let in no more, and then they do not come back either. */
export async function revokeKeysOf(tx: TenantTx, creator: Id, by: Id): Promise<void> {
  await tx.orm
    .update(apiKeys)
    .set({ revokedAt: sql`now()`, revokedBy: by })
    .where(and(eq(apiKeys.createdBy, creator), isNull(apiKeys.revokedAt)))
}
