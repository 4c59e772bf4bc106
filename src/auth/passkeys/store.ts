import { and, asc, count, eq, gt, lt, or, sql } from 'drizzle-orm'
import { type Id, violates } from '../../platform/index.ts'
import { secondFactors } from '../second-factor/tables.ts'
import type { AnyExecutor, AnyTx } from '../sessions/store.ts'
import { passkeyErrors } from './errors.ts'
import { passkeyChallenges, passkeys } from './tables.ts'

/** A passkey as it is stored. */
export type Passkey = typeof passkeys.$inferSelect & { readonly createdAt: Date }

const { id, credentialId, publicKey, counter, transports, isBackupEligible, isBackedUp, name, lastUsedAt } =
  passkeys
const { createdAt } = secondFactors
const PASSKEY = {
  ...{ id, credentialId, publicKey, counter, transports },
  ...{ isBackupEligible, isBackedUp, name, lastUsedAt, createdAt },
}

/** The passkeys of a user, in the order in which they were made. */
export async function listPasskeys(db: AnyExecutor, userId: Id): Promise<Passkey[]> {
  return await db.orm
    .select(PASSKEY)
    .from(passkeys)
    .innerJoin(secondFactors, eq(secondFactors.id, passkeys.id))
    .where(eq(secondFactors.userId, userId))
    .orderBy(asc(createdAt), asc(id))
}

/** A user's own passkey, by what its authenticator calls it. */
export async function findPasskey(
  db: AnyExecutor,
  userId: Id,
  credential: string,
): Promise<Passkey | undefined> {
  const [row] = await db.orm
    .select(PASSKEY)
    .from(passkeys)
    .innerJoin(secondFactors, eq(secondFactors.id, passkeys.id))
    .where(and(eq(credentialId, credential), eq(secondFactors.userId, userId)))
  return row
}

/** How many passkeys a user has. */
export async function countPasskeys(db: AnyExecutor, userId: Id): Promise<number> {
  const isTheirs = and(eq(secondFactors.userId, userId), eq(secondFactors.kind, 'passkey'))
  const [row] = await db.orm.select({ many: count() }).from(secondFactors).where(isTheirs)
  return row?.many ?? 0
}

/**
 * Writes a passkey, which counts from now on. The caller holds its user.
 *
 * @throws passkeyErrors.passkeyTaken
 */
export async function insertPasskey(
  tx: AnyTx,
  userId: Id,
  passkey: typeof passkeys.$inferInsert,
): Promise<Passkey> {
  const factor = { id: passkey.id, userId, kind: 'passkey', confirmedAt: sql`now()` } as const
  const [made] = await tx.orm.insert(secondFactors).values(factor).returning({ createdAt })
  const [row] = await tx.orm
    .insert(passkeys)
    .values(passkey)
    .returning()
    .catch((error: unknown) => {
      throw violates(error, 'passkeys_credential_id_key')
        ? passkeyErrors.passkeyTaken({ cause: error })
        : error
    })
  if (!made || !row) throw new Error('a passkey was written and not given back')
  return { ...row, ...made }
}

/** Notes a use, unless the authenticator's counter did not grow: then, or where the passkey is gone, it says `false`. */
export async function usePasskey(
  db: AnyExecutor,
  passkeyId: Id,
  use: { readonly counter: number; readonly isBackedUp: boolean },
): Promise<boolean> {
  const neverCounts = use.counter === 0 ? eq(counter, 0) : undefined
  const { rowCount } = await db.orm
    .update(passkeys)
    .set({ ...use, lastUsedAt: sql`now()` })
    .where(and(eq(id, passkeyId), or(lt(counter, use.counter), neverCounts)))
  return rowCount === 1
}

/** Gives a user's passkey another name; says `false` where there is none. */
export async function renamePasskey(
  db: AnyExecutor,
  userId: Id,
  passkeyId: Id,
  newName: string,
): Promise<boolean> {
  const isTheirs = sql`EXISTS (SELECT FROM ${secondFactors}
    WHERE ${secondFactors.id} = ${id} AND ${secondFactors.userId} = ${userId})`
  const { rowCount } = await db.orm
    .update(passkeys)
    .set({ name: newName })
    .where(and(eq(id, passkeyId), isTheirs))
  return rowCount === 1
}

/** More than the one that is added, so that they get fewer. */
const FORGOTTEN_AT_ONCE = 10

/** Writes a challenge, and deletes some that are over: anybody may have any number made. */
export async function insertChallenge(db: AnyExecutor, hash: string, lifeSeconds: number): Promise<void> {
  const { hash: key, expiresAt } = passkeyChallenges
  await db.orm.delete(passkeyChallenges).where(
    sql`${key} = any(array(
      SELECT ${key} FROM ${passkeyChallenges} WHERE ${lt(expiresAt, sql`now()`)}
      LIMIT ${FORGOTTEN_AT_ONCE} FOR UPDATE SKIP LOCKED))`,
  )
  await db.orm
    .insert(passkeyChallenges)
    .values({ hash, expiresAt: sql`now() + make_interval(secs => ${lifeSeconds})` })
}

/** Uses a challenge up; says `false` to all but the first, and where it is over. */
export async function deleteChallenge(db: AnyExecutor, hash: string): Promise<boolean> {
  const isOpen = and(eq(passkeyChallenges.hash, hash), gt(passkeyChallenges.expiresAt, sql`now()`))
  const { rowCount } = await db.orm.delete(passkeyChallenges).where(isOpen)
  return rowCount === 1
}
