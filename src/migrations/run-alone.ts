import type pg from 'pg'
import { postgresError } from '../platform/index.ts'
import { BatchError, runBatch } from './batch.ts'
import { concurrentIndexOf, isConcurrent } from './concurrent-index.ts'
import { describeFailure, NO_PREFIX } from './failure.ts'
import { CLAIM_LOST, type FileRun } from './file-run.ts'
import { claim, finish, INDEX_STATE, type LedgerEntry, unclaim } from './ledger.ts'
import { retryOnLock } from './retry.ts'

/** "relation already exists" */
const DUPLICATE_TABLE = '42P07'

interface IndexState {
  readonly valid: boolean
  /** Ready for SQL: quoted, and with its schema where search_path needs it. */
  readonly name: string
}

/**
 * Runs the one statement of a `transaction:false` file outside of a transaction. The claim is committed
 * before it as `started`, so that a crash leaves a mark, and the next run does the statement again. The
 * INVALID index that a killed CREATE INDEX CONCURRENTLY leaves is dropped first, and a valid one under a
 * `started` row is the crash between the build and its record, so it is done. Any other statement must be
 * harmless when repeated (`IF NOT EXISTS`).
 *
 * @param state the file's state in the ledger
 * @returns the milliseconds it took, or `undefined` when somebody else has done this file meanwhile
 * @throws MigrationFailedError; the ledger keeps the file as `started` then
 */
export async function runAlone(
  run: FileRun,
  state: LedgerEntry['state'] | undefined,
): Promise<number | undefined> {
  const { connection, migration, direction, settings } = run
  let known = state
  try {
    await retryOnLock(run, async () => {
      const index = await findIndex(run)
      if (index?.valid && known === 'started') return
      await enter(run)
      known = 'started'
      if (index?.valid === false) await dropInvalid(run, index)
      await runStatement(run)
    })
    const record = [
      'BEGIN',
      finish(direction, migration, { sameTransaction: false, runId: settings.runId }),
      'COMMIT',
      'RESET ALL',
    ]
    const [, finished] = await runBatch(connection, record.join(';\n'))
    return finished?.rows[0]?.duration_ms
  } catch (error) {
    await connection.query('ROLLBACK; RESET ALL').catch(() => undefined)
    if (!(error instanceof BatchError)) throw error
    if (known !== 'started' && CLAIM_LOST.has(postgresError(error)?.code)) return undefined
    throw describeFailure(run, undefined, error)
  }
}

async function findIndex({ connection, section }: FileRun): Promise<IndexState | undefined> {
  const [statement] = section.statements
  const index = statement && concurrentIndexOf(statement)
  if (index === undefined || index === 'unnamed') return undefined
  const { rows }: pg.QueryResult<IndexState> = await connection.query(INDEX_STATE, [index.table, index.name])
  return rows[0]
}

/**
 * Commits the claim. A CONCURRENTLY statement then waits for others as long as it must: it holds up nobody
 * meanwhile, and giving up after two seconds would leave an INVALID index each time that somebody's
 * transaction takes longer.
 */
async function enter({ connection, migration, direction, section, settings }: FileRun): Promise<void> {
  const lockTimeout = section.statements.some(isConcurrent) ? 0 : Math.round(settings.tableLockTimeoutMs)
  const claims = claim(direction, migration, settings.runId)
  const statements = ['BEGIN', ...claims, 'COMMIT', `SET lock_timeout = ${lockTimeout}`]
  await runBatch(connection, statements.join(';\n'))
}

async function dropInvalid(
  { connection, migration, settings }: FileRun,
  { name }: IndexState,
): Promise<void> {
  const message = `${migration.fileName}: dropping the INVALID index ${name} that a broken build left behind`
  settings.log({ kind: 'repaired', version: migration.version, message })
  await runBatch(connection, `DROP INDEX CONCURRENTLY ${name}`)
}

async function runStatement(run: FileRun): Promise<void> {
  const { connection, migration, direction, section } = run
  try {
    await runBatch(connection, section.sql)
  } catch (error) {
    if (!(error instanceof BatchError)) throw error
    // Nothing was done. The row must go, or somebody else's index of that name would pass for ours next time.
    if (postgresError(error)?.code === DUPLICATE_TABLE) await connection.query(unclaim(direction, migration))
    throw describeFailure(run, NO_PREFIX, error)
  }
}
