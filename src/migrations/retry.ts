import { setTimeout as sleep } from 'node:timers/promises'
import { postgresError, SQLSTATE } from '../platform/index.ts'
import type { FileRun } from './file-run.ts'

/** How often one file is tried when others hold the locks that it needs. */
const TRIES = 4
/** Doubles with each try; the jitter keeps a fleet of databases from coming back in step. */
const FIRST_PAUSE_MS = 100

/**
 * Tries again what failed because somebody else held a lock (55P03) or because of a deadlock (40P01).
 *
 * @throws what the last try threw, and at once what is neither
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export async function retryOnLock<T>(
  { migration, settings }: FileRun,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt()
    } catch (error) {
      const reported = postgresError(error)
      const isLock =
        reported?.code === SQLSTATE.lockNotAvailable || reported?.code === SQLSTATE.deadlockDetected
      if (!isLock || tries >= TRIES) throw error
      const { version, fileName } = migration
      settings.log({ kind: 'retrying', version, message: `${fileName}: ${reported.message}; trying again` })
      await sleep(FIRST_PAUSE_MS * 2 ** (tries - 1) * (0.5 + Math.random()))
    }
  }
}
