/**
 * SQLSTATEs by name.
 * @see https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export const SQLSTATE = {
  uniqueViolation: '23505',
  serializationFailure: '40001',
  deadlockDetected: '40P01',
  readOnlyTransaction: '25006',
  inFailedTransaction: '25P02',
  idleInTransactionTimeout: '25P03',
  transactionTimeout: '25P04',
  invalidPassword: '28P01',
  invalidAuthorization: '28000',
  invalidCatalogName: '3D000',
  duplicateDatabase: '42P04',
  duplicateObject: '42710',
  insufficientPrivilege: '42501',
  undefinedTable: '42P01',
  undefinedColumn: '42703',
  undefinedSchema: '3F000',
  diskFull: '53100',
  outOfMemory: '53200',
  tooManyConnections: '53300',
  objectNotInPrerequisiteState: '55000',
  objectInUse: '55006',
  lockNotAvailable: '55P03',
  queryCanceled: '57014',
  adminShutdown: '57P01',
  crashShutdown: '57P02',
  cannotConnectNow: '57P03',
  idleSessionTimeout: '57P05',
  ioError: '58030',
  featureNotSupported: '0A000',
  invalidStatementName: '26000',
  duplicateStatement: '42P05',
} as const

/** What a database error means for the caller, whatever its code was. */
export type DatabaseFault =
  /** A serialization failure or deadlock: the same transaction may be tried again. */
  | 'conflict'
  /** A statement or lock time-out. */
  | 'timeout'
  /** No connection slot left. */
  | 'overloaded'
  /** The server is gone, starting, read-only or out of space. */
  | 'unavailable'
  /** The database itself is missing or half dropped. */
  | 'missing-database'
  /** The role may not connect or may not do this. */
  | 'forbidden'
  /** A table or column that the code expects is not there. */
  | 'schema-mismatch'

const FAULT_BY_SQLSTATE: Readonly<Record<string, DatabaseFault>> = {
  [SQLSTATE.serializationFailure]: 'conflict',
  [SQLSTATE.deadlockDetected]: 'conflict',
  [SQLSTATE.queryCanceled]: 'timeout',
  [SQLSTATE.lockNotAvailable]: 'timeout',
  // After five seconds of waiting for the sessions in a database that is cloned, renamed or dropped.
  [SQLSTATE.objectInUse]: 'timeout',
  [SQLSTATE.transactionTimeout]: 'timeout',
  [SQLSTATE.tooManyConnections]: 'overloaded',
  [SQLSTATE.idleInTransactionTimeout]: 'unavailable',
  [SQLSTATE.readOnlyTransaction]: 'unavailable',
  [SQLSTATE.diskFull]: 'unavailable',
  [SQLSTATE.outOfMemory]: 'unavailable',
  [SQLSTATE.adminShutdown]: 'unavailable',
  [SQLSTATE.crashShutdown]: 'unavailable',
  [SQLSTATE.cannotConnectNow]: 'unavailable',
  [SQLSTATE.idleSessionTimeout]: 'unavailable',
  [SQLSTATE.ioError]: 'unavailable',
  [SQLSTATE.invalidCatalogName]: 'missing-database',
  [SQLSTATE.objectNotInPrerequisiteState]: 'missing-database',
  [SQLSTATE.insufficientPrivilege]: 'forbidden',
  [SQLSTATE.invalidPassword]: 'forbidden',
  [SQLSTATE.invalidAuthorization]: 'forbidden',
  [SQLSTATE.undefinedTable]: 'schema-mismatch',
  [SQLSTATE.undefinedColumn]: 'schema-mismatch',
  [SQLSTATE.undefinedSchema]: 'schema-mismatch',
}

/** `ENOENT`: the socket file of a server that is not running. */
const SOCKET_ERRORS = new Set(
  'ECONNREFUSED ECONNRESET EPIPE ETIMEDOUT EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN ENOENT'.split(' '),
)

/** pg reports a lost or late connection by message only, without a code. */
const CONNECTION_LOST =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|timeout expired|Query read timeout)/

/** The pool's word, by message only too, when no connection came back in time. */
const POOL_EXHAUSTED = 'timeout exceeded when trying to connect'

/** Fields of an error that PostgreSQL sent. */
export interface PostgresError extends Error {
  readonly code: string
  readonly constraint?: string
  readonly position?: string
  readonly detail?: string
}

/** Finds the PostgreSQL error in `error` or in what caused it (query builders wrap what the driver throws). */
export function postgresError(error: unknown): PostgresError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    // Only what the server reported has a severity; EPIPE alone would look like a SQLSTATE.
    if ('severity' in current && 'code' in current) return current as PostgresError
  }
  return undefined
}

/** Says what a database error means, or `undefined` when it is none (or one that only a bug can cause). */
export function databaseFault(error: unknown): DatabaseFault | undefined {
  const reported = postgresError(error)
  if (reported) {
    return FAULT_BY_SQLSTATE[reported.code] ?? (reported.code.startsWith('08') ? 'unavailable' : undefined)
  }
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('code' in current && SOCKET_ERRORS.has(String(current.code))) return 'unavailable'
    if (CONNECTION_LOST.test(current.message)) return 'unavailable'
    if (current.message === POOL_EXHAUSTED) return 'overloaded'
  }
  return undefined
}

/** Says whether `error` is a duplicate on exactly this constraint; any other constraint is a bug of ours. */
export function violates(error: unknown, constraint: string): boolean {
  const reported = postgresError(error)
  return reported?.code === SQLSTATE.uniqueViolation && reported.constraint === constraint
}

/** Says whether a statement failed only because one before it in its transaction had. */
export function isAfterFailure(error: unknown): boolean {
  return postgresError(error)?.code === SQLSTATE.inFailedTransaction
}

/**
 * Says whether a database could not be made, or renamed, because its name is taken. PostgreSQL tells the second of two
 * who take a name at the same moment so with a duplicate in its catalogue, once the first has committed.
 */
export function isDatabaseNameTaken(error: unknown): boolean {
  return (
    postgresError(error)?.code === SQLSTATE.duplicateDatabase || violates(error, 'pg_database_datname_index')
  )
}

/**
 * Says whether a prepared statement of this connection went stale: a migration changed what it returns ("cached plan must
 * not change result type"), or is not there any more, or is there already. Nothing was run; on another connection the
 * statement works.
 */
export function isStaleStatement(error: unknown): boolean {
  const reported = postgresError(error)
  if (reported?.code === SQLSTATE.invalidStatementName || reported?.code === SQLSTATE.duplicateStatement)
    return true
  return reported?.code === SQLSTATE.featureNotSupported && reported.message.includes('cached plan')
}
