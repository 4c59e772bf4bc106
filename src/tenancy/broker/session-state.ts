import { LRUCache } from 'lru-cache'
import type pg from 'pg'
import { Statement } from './waiter.ts'

/**
 * What DISCARD ALL does, except for prepared statements and their plans, which are the reason to keep a connection.
 *
 * @see https://www.postgresql.org/docs/current/sql-discard.html
 */
const CLEAN: pg.QueryConfig = {
  text: 'CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD TEMP; DISCARD SEQUENCES',
}

/** Where a command begins: at the start or behind a semicolon, past white space and comments. */
const COMMAND = String.raw`(?:^|;)(?:\s|--[^\n]*(?:\n|$)|/\*(?:[^*]|\*(?!/))*\*/)*`
const TRACES_BY_TEXT = new RegExp(
  `${COMMAND}(?:set|listen|load|declare|do|call)\\b|\\bset_config\\b|\\bpg_(?:try_)?advisory_lock|\\btemp(?:orary)?\\b`,
  'i',
)
/** As the driver shortens them: to the first word. */
const TRACES_BY_TAG = new Set(['SET', 'LISTEN', 'LOAD', 'DECLARE'])
/** What may commit before its end, so that an error does not tell that nothing was done. */
const COMMITS = new RegExp(
  `${COMMAND}(?:call|do|vacuum|cluster|reindex|(?:create|drop)\\s+(?:unique\\s+)?index)\\b|;`,
  'i',
)

/** What is known of the texts of prepared statements, which are sent again and again. */
const prepared = new LRUCache<string, boolean>({ max: 1_000 })

/** Whether an error of this statement leaves nothing of it behind. */
export function isAtomic({ text }: pg.QueryConfig): boolean {
  return !COMMITS.test(text)
}

/** Whether a statement may leave something in its session that outlasts it, as far as its text tells. */
export function mayLeaveTraces({ name, text }: pg.QueryConfig): boolean {
  if (name === undefined) return TRACES_BY_TEXT.test(text)
  let known = prepared.get(text)
  if (known === undefined) {
    known = TRACES_BY_TEXT.test(text)
    prepared.set(text, known)
  }
  return known
}

/** Whether a statement left something in its session, as far as the server's answer tells. */
export function hasLeftTraces(result: pg.QueryResult | readonly pg.QueryResult[]): boolean {
  // A text of several statements has several results.
  return Array.isArray(result)
    ? result.some(hasLeftTraces)
    : TRACES_BY_TAG.has((result as pg.QueryResult).command)
}

/** Puts a session back to what its role finds when it logs in. It belongs to no caller, and runs once. */
export class Cleaning extends Statement {
  override isRerun = true

  constructor(onFailure: () => void) {
    super(CLEAN, undefined, () => undefined, onFailure)
  }

  override get isAbandoned(): boolean {
    return false
  }
}
