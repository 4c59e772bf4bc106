import { eq, type SQL, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import type { CoreExecutor } from '../../tenancy/index.ts'
import type { Schedule } from './schedule.ts'
import { throttles } from './tables.ts'

/** One request of a network, counted in a window that the first one opens. */
export interface NetworkCount {
  readonly key: string
  readonly limit: number
  readonly windowSeconds: number
}

/** One attempt at an account's secret. */
export interface AccountCount {
  readonly key: string
  readonly schedule: Schedule
  readonly attemptId: Id
}

/** What a network used of its window. */
export interface NetworkUse {
  readonly used: number
  readonly secondsLeft: number
}

/** What became of an attempt. */
export interface AccountUse {
  readonly isAllowed: boolean
  /** In a row, this one included where it is allowed. */
  readonly failures: number
  /** Until the next one may be allowed. */
  readonly secondsLeft: number
}

type Row = {
  readonly used: number
  readonly network_seconds: number
  readonly failures: number | null
  readonly account_seconds: number
  readonly is_allowed: boolean
}

/** Not `now()`: who waited for another's lock must see that one's moment as past. */
const NOW = sql`clock_timestamp()`
/** A crash may forget the last moments of counting; a sign-in does not wait for the disk because of it. */
const FLUSHED_LATER = sql`set_config('synchronous_commit', 'off', true)`

/** Counts one request of a network, over all processes. */
export async function countNetwork(core: CoreExecutor, network: NetworkCount): Promise<NetworkUse> {
  const { rows } = await core.orm.execute<Row>(
    sql`WITH network AS (${networkStatement(network)})
      SELECT used, network_seconds, ${FLUSHED_LATER} FROM network`,
  )
  return usedOf(rows)
}

/**
 * Counts an attempt at an account as a failure before anything is checked, unless it comes too early. One statement decides
 * for one after the other, so that of any number at once, in whatever process, no more are let through than the schedule has
 * free.
 *
 * @param network counted first; an attempt of one that used up its limit is not counted, and then there is no `account`
 */
export async function countAttempt(
  core: CoreExecutor,
  account: AccountCount,
  network?: NetworkCount,
): Promise<{ readonly network: NetworkUse; readonly account: AccountUse | undefined }> {
  const first = network ? networkStatement(network) : sql`SELECT 0 AS used, 0::float8 AS network_seconds`
  const { rows } = await core.orm.execute<Row>(
    // Always the network's row before the account's: two statements never wait for each other in a ring.
    sql`WITH network AS (${first}), account AS (${accountStatement(account, network?.limit ?? 0)})
      SELECT network.*, account.*, ${FLUSHED_LATER} FROM network LEFT JOIN account ON true`,
  )
  const [row] = rows
  if (!row || row.failures === null) return { network: usedOf(rows), account: undefined }
  const { is_allowed: isAllowed, failures, account_seconds: secondsLeft } = row
  return { network: usedOf(rows), account: { isAllowed, failures, secondsLeft } }
}

/** Takes back an attempt whose secret was not checked after all. */
export async function takeBack(core: CoreExecutor, key: string, attemptId: Id): Promise<void> {
  const { count, blockedUntil, expiresAt, lastAttempt } = throttles
  const isLast = sql`${lastAttempt} = ${attemptId}`
  await core.orm
    .update(throttles)
    .set({
      count: sql`greatest(${count} - 1, 0)`,
      blockedUntil: sql`CASE WHEN ${isLast} THEN ${NOW} ELSE ${blockedUntil} END`,
      expiresAt: sql`CASE WHEN ${count} <= 1 THEN ${NOW} ELSE ${expiresAt} END`,
    })
    .where(eq(throttles.key, key))
}

/** Forgets what was counted for somebody; says whether there was something. */
export async function forget(core: CoreExecutor, key: string): Promise<boolean> {
  const { rowCount } = await core.orm.delete(throttles).where(eq(throttles.key, key))
  return rowCount === 1
}

/**
 * Deletes what says nothing any more, and what says the least where there is too much. Rows that somebody counts in are left.
 *
 * @param bounds `rows`: most that stay; `batch`: most that are deleted
 * @returns how many were deleted
 */
export async function sweep(
  core: CoreExecutor,
  { rows, batch }: { readonly rows: number; readonly batch: number },
): Promise<number> {
  const { key, expiresAt } = throttles
  // Those that expire first are those that have expired, then those with the fewest failures.
  const { rowCount } = await core.orm.execute(
    sql`DELETE FROM ${throttles} WHERE ${key} = any(array(
      SELECT ${key} FROM ${throttles} ORDER BY ${expiresAt}
      LIMIT least(${batch}::int, greatest(
        (SELECT count(*) FROM ${throttles} WHERE ${expiresAt} <= ${NOW}),
        (SELECT count(*) FROM ${throttles}) - ${rows}::int))
      FOR UPDATE SKIP LOCKED))`,
  )
  return rowCount ?? 0
}

function networkStatement({ key, windowSeconds }: NetworkCount): SQL {
  const end = sql`${NOW} + ${seconds(windowSeconds)}`
  return sql`INSERT INTO throttles AS known (key, count, blocked_until, expires_at)
    VALUES (${key}, 1, '-infinity', ${end})
    ON CONFLICT (key) DO UPDATE SET
      count = CASE WHEN known.expires_at > ${NOW} THEN known.count + 1 ELSE 1 END,
      expires_at = CASE WHEN known.expires_at > ${NOW} THEN known.expires_at ELSE ${end} END
    RETURNING count AS used, ${secondsUntil('expires_at')} AS network_seconds`
}

function accountStatement({ key, schedule, attemptId }: AccountCount, networkLimit: number): SQL {
  const delays = sql`${`{${schedule.delays}}`}::int[]`
  const lives = sql`${`{${schedule.lives}}`}::int[]`
  const most = sql`${schedule.delays.length}::int`
  // The clock is read once for all four columns: they must not disagree about whether it is too early.
  return sql`INSERT INTO throttles AS known (key, count, blocked_until, expires_at, last_attempt)
    SELECT ${key}, 1, ${NOW} + ${seconds(sql`(${delays})[1]`)}, ${NOW} + ${seconds(sql`(${lives})[1]`)}, ${attemptId}::uuid
    FROM network WHERE used <= ${networkLimit}::int
    ON CONFLICT (key) DO UPDATE SET (count, blocked_until, expires_at, last_attempt) = (
      SELECT
        CASE WHEN is_open THEN next ELSE known.count END,
        CASE WHEN is_open THEN at + ${seconds(sql`(${delays})[next]`)} ELSE known.blocked_until END,
        CASE WHEN is_open THEN at + ${seconds(sql`(${lives})[next]`)} ELSE known.expires_at END,
        CASE WHEN is_open THEN ${attemptId}::uuid ELSE known.last_attempt END
      FROM (
        SELECT at, known.blocked_until <= at AS is_open,
          CASE WHEN known.expires_at > at THEN least(known.count + 1, ${most}) ELSE 1 END AS next
        FROM (SELECT ${NOW} AS at) AS clock) AS attempt)
    RETURNING count AS failures, ${secondsUntil('blocked_until')} AS account_seconds,
      last_attempt = ${attemptId}::uuid AS is_allowed`
}

function usedOf([row]: readonly Row[]): NetworkUse {
  return { used: row?.used ?? 0, secondsLeft: row?.network_seconds ?? 0 }
}

function seconds(count: number | SQL): SQL {
  return sql`make_interval(secs => ${count})`
}

function secondsUntil(column: 'blocked_until' | 'expires_at'): SQL {
  return sql`greatest(0, extract(epoch FROM known.${sql.identifier(column)} - ${NOW}))::float8`
}
