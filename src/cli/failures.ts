import { KeysLockedError } from '../auth/index.ts'
import { FleetBusyError, LeaseLostError, RunRefusedError, UnknownTenantError } from '../fleet/index.ts'
import {
  DatabaseNewerError,
  GenerateOptionError,
  MigrationLockedError,
  RenameDecisionNeeded,
  UnknownVersionError,
} from '../migrations/index.ts'
import { databaseFault, messageOf } from '../platform/index.ts'
import { SealedElsewhereError, ServerRefusedError } from '../tenancy/index.ts'
import { DeclinedError, UsageError } from './context.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'

/** The exit code of a command that threw. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError || error instanceof UnknownTenantError) return EXIT.usage
  if (error instanceof RunRefusedError) return EXIT.usage
  if (error instanceof UnknownVersionError || error instanceof GenerateOptionError) return EXIT.usage
  if (error instanceof RenameDecisionNeeded || error instanceof DatabaseNewerError) return EXIT.notClean
  if (error instanceof MigrationLockedError || error instanceof FleetBusyError) return EXIT.lockHeld
  if (error instanceof LeaseLostError || error instanceof KeysLockedError) return EXIT.lockHeld
  if (error instanceof DeclinedError) return EXIT.interrupted
  return EXIT.failed
}

/** What a person at the terminal reads. Stack traces are for bugs, and an unreachable server is none. */
export function explain(error: unknown): string {
  if (error instanceof ServerRefusedError) return error.message
  if (error instanceof SealedElsewhereError) {
    return `${error.message} TENANTRY_SECRET must be the one that the servers run with.`
  }
  if (databaseFault(error) === 'unavailable') {
    return `The database cannot be reached: ${messageOf(error)}. Check DATABASE_URL and that the server runs.`
  }
  if (databaseFault(error) === 'missing-database') {
    return `${messageOf(error)}. Check DATABASE_URL; tenantry migrate up core creates it.`
  }
  return messageOf(error)
}
