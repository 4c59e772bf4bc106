import { sql } from 'drizzle-orm'
import type { CoreExecutor } from '../tenancy/index.ts'
import { mailRecipients } from './tables.ts'

/** What is counted is the hour before each mail, not an hour on the clock, so that no two hours meet at its end. */
const WINDOW = sql`interval '1 hour'`
/** Each mail takes away so many rows that say nothing any more, so that there are never many. */
const PURGE_LIMIT = 10

/**
 * Counts one more mail to a recipient, unless there were `limit` of them in the last hour. One statement, so that of two
 * processes that count the last one at once a single one may send.
 *
 * @returns whether it may be sent
 */
export async function countMail(core: CoreExecutor, key: string, limit: number): Promise<boolean> {
  const recent = sql`ARRAY(SELECT sent FROM unnest(${mailRecipients.sentAt}) AS sent WHERE sent > now() - ${WINDOW})`
  const { rows } = await core.orm.execute(
    sql`INSERT INTO ${mailRecipients} (key, sent_at) VALUES (${key}, ARRAY[now()])
      ON CONFLICT (key) DO UPDATE SET sent_at = array_append(${recent}, now()), last_sent_at = now()
      WHERE cardinality(${recent}) < ${limit}::int
      RETURNING 1`,
  )
  return rows.length > 0
}

/** Forgets recipients whom nothing was sent to for an hour: a few of them. */
export async function purgeRecipients(core: CoreExecutor): Promise<void> {
  await core.orm.execute(
    sql`DELETE FROM ${mailRecipients} WHERE key IN (
      SELECT key FROM ${mailRecipients} WHERE last_sent_at <= now() - ${WINDOW}
      ORDER BY last_sent_at LIMIT ${PURGE_LIMIT} FOR UPDATE SKIP LOCKED)`,
  )
}
