import { asc, eq, getTableColumns, sql } from 'drizzle-orm'
import type { CoreExecutor, CoreTx } from '../../tenancy/index.ts'
import { signingKeys } from './tables.ts'

export type SigningKeyRow = typeof signingKeys.$inferSelect

/**
 * What a key is there for at a moment: `next` is published and does not sign yet; `signing` signs; `verifying` does not
 * sign any more, but tokens that it signed are still good; `retired` and `revoked` are over.
 */
export type KeyState = 'next' | 'signing' | 'verifying' | 'retired' | 'revoked'

export interface KeyRecord extends SigningKeyRow {
  readonly state: KeyState
}

// Not now(), which in a transaction that waited for a lock is older than what it waited for.
const moment = sql`clock_timestamp()`

const state = sql<KeyState>`CASE
  WHEN ${signingKeys.revokedAt} IS NOT NULL THEN 'revoked'
  WHEN ${signingKeys.verifiesUntil} <= ${moment} THEN 'retired'
  WHEN ${signingKeys.signsUntil} <= ${moment} THEN 'verifying'
  WHEN ${signingKeys.signsFrom} > ${moment} THEN 'next'
  ELSE 'signing'
END`

/** Every key there was, in the order in which they sign, with what it is there for now by the database's clock. */
export async function listSigningKeys(core: CoreExecutor): Promise<KeyRecord[]> {
  return await core.orm
    .select({ ...getTableColumns(signingKeys), state })
    .from(signingKeys)
    .orderBy(asc(signingKeys.signsFrom), asc(signingKeys.createdAt), asc(signingKeys.kid))
}

/** Keeps other processes from making and changing keys at the same time, until the transaction ends. */
export async function lockSigningKeys(tx: CoreTx): Promise<void> {
  await tx.orm.execute(sql`lock table ${signingKeys} in share row exclusive mode`)
}

/** The database's clock, to the millisecond, as keys have their times. */
export async function readMoment(tx: CoreTx): Promise<Date> {
  const { rows } = await tx.orm.execute<{ ms: string }>(
    sql`SELECT floor(extract(epoch FROM ${moment}) * 1000)::bigint AS ms`,
  )
  return new Date(Number(rows[0]?.ms))
}

export async function insertSigningKey(tx: CoreTx, key: typeof signingKeys.$inferInsert): Promise<void> {
  await tx.orm.insert(signingKeys).values(key)
}

/** Sets some of a key's moments, or takes its private part away. */
export async function changeSigningKey(
  tx: CoreTx,
  kid: string,
  change: Partial<
    Pick<SigningKeyRow, 'signsFrom' | 'signsUntil' | 'verifiesUntil' | 'revokedAt' | 'sealedPrivateKey'>
  >,
): Promise<void> {
  await tx.orm.update(signingKeys).set(change).where(eq(signingKeys.kid, kid))
}
