export { atMost } from './at-most.ts'
export { type Clock, systemClock } from './clock.ts'
export { type CloseFailure, type Closer, Closers, withDeadline } from './closers.ts'
export {
  Abandonment,
  abandonable,
  currentAbandonment,
  currentClientAddress,
  currentContext,
  describeWork,
  fromAddress,
  runDetached,
  runInContext,
  type WorkContext,
} from './context.ts'
export { developmentSecret } from './development-secret.ts'
export {
  acquireEmbeddedPostgres,
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
} from './embedded/embedded-postgres.ts'
export { EmbeddedPostgresError } from './embedded/errors.ts'
export {
  AppError,
  appErrorIn,
  defineErrors,
  type ErrorCatalogue,
  type ErrorDefinition,
  type ErrorFactory,
  type ErrorOccurrence,
  type FieldError,
} from './errors.ts'
export { type Id, isId, newId } from './ids.ts'
export {
  createLogger,
  describeError,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from './logger.ts'
export {
  type Connection,
  type ConnectionOptions,
  clientConfig,
  closeConnection,
  connect,
  databaseOf,
  ignoreLostConnection,
  MAINTENANCE_TIMEOUTS,
  REQUEST_TIMEOUTS,
  type Timeouts,
  withConnection,
  withCredentials,
  withDatabase,
} from './postgres/connection.ts'
export {
  type ConnectionSource,
  createDatabase,
  type Database,
  type Executor,
  ping,
  type Transaction,
} from './postgres/database.ts'
export { ensureDatabase } from './postgres/ensure-database.ts'
export { quoteIdentifier, quoteLiteral } from './postgres/identifiers.ts'
export {
  createListener,
  type Listener,
  type ListenerHandlers,
  type ListenerOptions,
} from './postgres/listener.ts'
export { createPool, leavesInDoubt, onceMoreWhenStale, type Pool } from './postgres/pool.ts'
export { preparedFor } from './postgres/prepared.ts'
export { messageOf, withoutStatement } from './postgres/query-errors.ts'
export { scramVerifier } from './postgres/scram.ts'
export {
  type DatabaseFault,
  databaseFault,
  isAfterFailure,
  isDatabaseNameTaken,
  isStaleStatement,
  type PostgresError,
  postgresError,
  SQLSTATE,
  violates,
} from './postgres/sqlstate.ts'
export { createSecretBox, type SecretBox } from './secret-box.ts'
export { SingleFlight } from './single-flight.ts'
export { VERSION } from './version.ts'
export { WorkQueue, WorkQueueFullError, type WorkQueueOptions } from './work-queue.ts'
