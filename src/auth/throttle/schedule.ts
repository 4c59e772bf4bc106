const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Failures in a row that cost nothing: a person tries all of the own passwords. */
export const FREE_FAILURES = 5
/** After each ten nothing is tried for so long. */
const LOCK_EVERY = 10
const LOCK_SECONDS = 15 * MINUTE
const LONGEST_DELAY_SECONDS = MINUTE
/**
 * NIST SP 800-63B-4 section 3.2.2: at most 100 failures in a row. Then only a reset or a change of the password lets in, or
 * thirty days: without mail nobody could reset one, and rows that are kept for ever would fill the disk.
 */
export const MOST_FAILURES = 100
const CLOSED_SECONDS = 30 * DAY

/**
 * Says how many seconds nothing more is tried after so many failures in a row.
 *
 * @param factor whole number by which the failures, not the delays, are multiplied; 1 in production
 */
export function delayAfter(failures: number, factor = 1): number {
  if (failures >= MOST_FAILURES * factor) return CLOSED_SECONDS
  if (failures > 0 && failures % (LOCK_EVERY * factor) === 0) return LOCK_SECONDS
  const beyond = Math.floor(failures / factor) - FREE_FAILURES
  return beyond < 0 ? 0 : Math.min(LONGEST_DELAY_SECONDS, 2 ** beyond)
}

/**
 * Says how many seconds so many failures are remembered. One of an address that somebody made up is soon forgotten, so that a
 * flood of them leaves little; whoever goes on with one address is remembered for longer than waiting is worth.
 */
export function rememberedAfter(failures: number, factor = 1): number {
  return Math.min(CLOSED_SECONDS, HOUR * Math.ceil(failures / factor) ** 2)
}

/** Both of the above for every number of failures from 1 to the most, as the database and the memory look them up. */
export interface Schedule {
  readonly delays: readonly number[]
  readonly lives: readonly number[]
}

export function createSchedule(factor: number): Schedule {
  const counts = Array.from({ length: MOST_FAILURES * factor }, (_, index) => index + 1)
  return {
    delays: counts.map((failures) => delayAfter(failures, factor)),
    lives: counts.map((failures) => rememberedAfter(failures, factor)),
  }
}
