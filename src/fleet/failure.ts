import {
  ChecksumMismatchError,
  DatabaseNewerError,
  DataLossError,
  IrreversibleMigrationError,
  MigrationFailedError,
  MigrationLockedError,
  MissingMigrationFileError,
  NewerAppliedError,
} from '../migrations/index.ts'
import { databaseFault, messageOf, postgresError, SQLSTATE } from '../platform/index.ts'
import type { FailureCode, TenantFailure } from './types.ts'

const CODES = [
  [ChecksumMismatchError, 'checksum-changed'],
  [MissingMigrationFileError, 'missing-file'],
  [DatabaseNewerError, 'database-newer'],
  [IrreversibleMigrationError, 'irreversible'],
  [NewerAppliedError, 'newer-applied'],
  [DataLossError, 'data-loss'],
  [MigrationLockedError, 'busy'],
] as const

/** Says what kept a tenant from being migrated, without any value of its rows. */
export function failureOf(error: unknown): TenantFailure {
  const sqlState = postgresError(error)?.code
  const message = withoutValues(messageOf(error), sqlState)
  const failure = { code: codeOf(error, sqlState), message, ...(sqlState && { sqlState }) }
  if (!(error instanceof MigrationFailedError)) return failure
  const { fileName: file, line, statement } = error.failure
  return { ...failure, file, ...(line !== undefined && { line }), ...(statement && { statement }) }
}

/** Whether there was a reason not to touch the tenant, and nothing went wrong. */
export function isLeft({ code }: TenantFailure): boolean {
  return code === 'irreversible' || code === 'newer-applied' || code === 'data-loss' || code === 'busy'
}

/**
 * Data exceptions (class 22) quote the value that did not fit: somebody's telephone number, which must not get out of its
 * tenant's database.
 */
function withoutValues(message: string, sqlState: string | undefined): string {
  return sqlState?.startsWith('22') ? message.replace(/".*"/s, '"…"') : message
}

function codeOf(error: unknown, sqlState: string | undefined): FailureCode {
  const known = CODES.find(([type]) => error instanceof type)
  if (known) return known[1]
  if (sqlState === SQLSTATE.lockNotAvailable) return 'locked'
  const fault = databaseFault(error)
  if (fault === 'missing-database') return 'missing-database'
  if (fault === 'unavailable' || fault === 'overloaded') return 'unavailable'
  return error instanceof MigrationFailedError ? 'migration-failed' : 'unexpected'
}
