import type pg from 'pg'
import { Statement } from './waiter.ts'

/**
 * What DISCARD ALL does, except for prepared statements and their plans, which are the reason to keep a connection.
 *
 * @see https://www.postgresql.org/docs/current/sql-discard.html
 */
const CLEAN: pg.QueryConfig = {
  text: 'CLOSE ALL; SET SESSION AUTHORIZATION DEFAULT; RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD SEQUENCES',
}

const TRACES_BY_TEXT = /^\s*(?:set|listen|load|declare)\b|\bset_config\b|\bpg_(?:try_)?advisory_lock/i
const TRACES_BY_TAG = new Set(['SET', 'LISTEN', 'LOAD', 'DECLARE CURSOR'])

/** Whether a statement may leave something in its session that outlasts it, as far as its text tells. */
export function mayLeaveTraces({ text }: pg.QueryConfig): boolean {
  return TRACES_BY_TEXT.test(text)
}

/** Whether a statement left something in its session, as far as the server's answer tells. */
export function hasLeftTraces({ command }: pg.QueryResult): boolean {
  return TRACES_BY_TAG.has(command)
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
