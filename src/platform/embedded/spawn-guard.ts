import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childOptions } from './account.ts'
import { EmbeddedPostgresError, messageOf } from './errors.ts'
import { openLog, sizeOf, withLog } from './log-file.ts'
import type { GuardRequest } from './protocol.ts'

/** The published package holds JavaScript. */
const ENTRY = import.meta.url.endsWith('.ts') ? './guard-process.ts' : './guard-process.js'

/** A guard that this process started; it lives on its own. */
export interface SpawnedGuard {
  /** Says whether it is over, normally because another guard was first. */
  readonly ended: () => boolean
  /** @throws EmbeddedPostgresError when it crashed */
  readonly throwIfCrashed: () => void
}

/**
 * Starts a guard in a session of its own, out of reach of this terminal's Ctrl-C.
 *
 * @throws EmbeddedPostgresError when its log cannot be written
 */
export function spawnGuard(request: GuardRequest): SpawnedGuard {
  const logFile = join(request.dataDir, 'postgres-guard.log')
  const log = openGuardLog(logFile)
  const since = sizeOf(logFile)
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL(ENTRY, import.meta.url)), JSON.stringify(request)],
    {
      ...childOptions(undefined),
      detached: true,
      stdio: ['ignore', log, log],
    },
  )
  closeSync(log)
  child.unref()
  let failure: string | undefined
  child.once('error', (error) => {
    failure = `the guard of PostgreSQL cannot be started: ${error.message}`
  })
  child.once('exit', (code, signal) => {
    if (code !== 0) failure = withLog(`the guard of PostgreSQL ended with ${signal ?? code}`, logFile, since)
  })
  return {
    ended: () => failure !== undefined || child.exitCode !== null,
    throwIfCrashed: () => {
      if (failure !== undefined) throw new EmbeddedPostgresError(failure)
    },
  }
}

function openGuardLog(path: string): number {
  try {
    return openLog(path)
  } catch (error) {
    throw new EmbeddedPostgresError(`cannot write to the data directory: ${messageOf(error)}`)
  }
}
