import { type Connection, SQLSTATE } from '../platform/index.ts'
import type { HeldLock } from './lock.ts'
import type { Direction, Migration, Section } from './migration.ts'
import type { EngineSettings } from './options.ts'

/** One file on its way into or out of one database. */
export interface FileRun {
  readonly connection: Connection
  readonly lock: HeldLock
  readonly settings: EngineSettings
  readonly migration: Migration
  readonly direction: Direction
  /** The part of `migration` that runs. */
  readonly section: Section
  /** The last one of a call may give the lock back in its own round trip. */
  readonly isLast: boolean
}

/**
 * What the claim raises when somebody without our lock was faster: a duplicate (up), nothing there (down).
 */
export const CLAIM_LOST: ReadonlySet<string | undefined> = new Set([SQLSTATE.uniqueViolation, 'P0002'])
