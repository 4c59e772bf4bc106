import type pg from 'pg'
import { postgresError } from '../platform/index.ts'
import { BatchError, runBatch } from './batch.ts'
import { type BatchPrefix, describeFailure, endedItsTransaction } from './failure.ts'
import { CLAIM_LOST, type FileRun } from './file-run.ts'
import { claim, finish, UNLOCK } from './ledger.ts'
import { retryOnLock } from './retry.ts'

/**
 * Runs one file in one transaction and one round trip.
 *
 * @returns the milliseconds it took, or `undefined` when somebody else has done this file meanwhile
 * @throws MigrationFailedError; nothing of the file remains then
 */
export async function runInTransaction(run: FileRun): Promise<number | undefined> {
  const { lock, migration, direction, section, isLast, settings } = run
  const prefix = prefixOf(run)
  // RESET ALL: what a file SETs for the session must not reach the next one.
  const record = finish(direction, migration, { sameTransaction: true, runId: settings.runId })
  const suffix = [record, 'COMMIT', 'RESET ALL', ...(isLast ? [UNLOCK] : [])]
  // The file may end in a comment, or without a semicolon.
  const batch = `${prefix.text}${section.sql}\n;\n${suffix.join(';\n')}`
  try {
    const results = await retryOnLock(run, () => runOrRollBack(run, batch))
    lock.released = isLast
    const finished = results.at(-suffix.length)?.rows[0]
    if (!finished) throw endedItsTransaction(run)
    return finished.duration_ms
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    if (isClaimLost(error, prefix)) return undefined
    throw describeFailure(run, prefix, error)
  }
}

async function runOrRollBack({ connection }: FileRun, batch: string): Promise<pg.QueryResult[]> {
  try {
    return await runBatch(connection, batch)
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => undefined)
    throw error
  }
}

function prefixOf({ migration, direction, settings }: FileRun): BatchPrefix {
  const statements = [
    'BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE',
    `SET LOCAL lock_timeout = ${Math.round(settings.tableLockTimeoutMs)}`,
    ...claim(direction, migration, settings.runId),
  ]
  return { text: `${statements.join(';\n')};\n`, statements: statements.length }
}

function isClaimLost(error: BatchError, prefix: BatchPrefix): boolean {
  return error.completed < prefix.statements && CLAIM_LOST.has(postgresError(error)?.code)
}
