import { asc, sql } from 'drizzle-orm'
import type { CoreExecutor, CoreTx } from '../../tenancy/index.ts'
import { signingKeys } from './tables.ts'

export type SigningKeyRow = typeof signingKeys.$inferSelect

/** Every signing key, oldest first. */
export async function listSigningKeys(core: CoreExecutor): Promise<SigningKeyRow[]> {
  return await core.orm.select().from(signingKeys).orderBy(asc(signingKeys.createdAt), asc(signingKeys.kid))
}

/** Keeps other processes from making keys at the same time, until the transaction ends. */
export async function lockSigningKeys(tx: CoreTx): Promise<void> {
  await tx.orm.execute(sql`lock table ${signingKeys} in share row exclusive mode`)
}

export async function insertSigningKey(tx: CoreTx, key: Omit<SigningKeyRow, 'createdAt'>): Promise<void> {
  await tx.orm.insert(signingKeys).values(key)
}
