import pg from 'pg'
import { withDeadline } from '../closers.ts'

/** One connection to one database. */
export type Connection = pg.Client | pg.PoolClient

/** Limits that every connection gets, in milliseconds; without them one stuck statement holds a place for ever. */
export interface Timeouts {
  readonly connect: number
  readonly statement: number
  /**
   * When the driver gives up on an answer, above the server's own time-out. Left out where one text holds many
   * statements, each with the server's time: the driver would give up on what then commits.
   */
  readonly answer?: number
  readonly lock: number
  readonly idleInTransaction: number
}

/** For statements that answer requests. */
export const REQUEST_TIMEOUTS: Timeouts = {
  connect: 2_000,
  statement: 5_000,
  answer: 7_000,
  lock: 2_000,
  idleInTransaction: 10_000,
}

/** For CREATE DATABASE, migrations and other work that nobody waits for at a browser. */
export const MAINTENANCE_TIMEOUTS: Timeouts = {
  connect: 5_000,
  statement: 600_000,
  lock: 2_000,
  idleInTransaction: 60_000,
}

export interface ConnectionOptions {
  readonly url: string
  /** Shown in pg_stat_activity. */
  readonly applicationName: string
  readonly timeouts: Timeouts
}

/** Builds the driver's settings. */
export function clientConfig({ url, applicationName, timeouts }: ConnectionOptions): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: timeouts.connect,
    statement_timeout: timeouts.statement,
    ...(timeouts.answer !== undefined && { query_timeout: timeouts.answer }),
    lock_timeout: timeouts.lock,
    idle_in_transaction_session_timeout: timeouts.idleInTransaction,
    keepAlive: true,
    // Linux would wait two hours before it asks whether a silent server is still there.
    keepAliveInitialDelayMillis: 10_000,
    client_encoding: 'UTF8',
    // By default PostgreSQL looks into a schema named like the role first, and `tenantry`, which holds the migration
    // ledger, is a likely name for the role: tables would be made there.
    options: '-c search_path=public',
  }
}

/**
 * Opens one connection, which is the caller's to close.
 *
 * @throws what connecting throws; nothing is left open then
 */
export async function connect(options: ConnectionOptions): Promise<pg.Client> {
  const connection = new pg.Client(clientConfig(options))
  // A killed backend emits 'error' on the client; without a listener that ends the process.
  connection.on('error', ignoreLostConnection)
  try {
    await connection.connect()
    return connection
  } catch (error) {
    await closeConnection(connection)
    throw error
  }
}

/**
 * Opens one connection, gives it to `work` and closes it, whatever happens.
 *
 * @throws whatever connecting or `work` throws
 */
export async function withConnection<T>(
  options: ConnectionOptions,
  work: (connection: pg.Client) => Promise<T>,
): Promise<T> {
  const connection = await connect(options)
  try {
    return await work(connection)
  } finally {
    await closeConnection(connection)
  }
}

const CLOSE_TIMEOUT_MS = 2_000

/** Closes a connection; one whose server no longer answers is cut after 2 s instead of waited for. */
export async function closeConnection(connection: pg.Client): Promise<void> {
  try {
    await withDeadline(connection.end(), CLOSE_TIMEOUT_MS, 'closing a connection')
  } catch {
    connection.connection.stream.destroy()
  }
}

/** The statement that was running reports the loss to its caller; an idle connection has nobody to tell. */
export function ignoreLostConnection(): void {}

/** The same server and role, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url)
  changed.pathname = `/${encodeURIComponent(database)}`
  return changed.href
}

/** The same server and database, another role. */
export function withCredentials(url: string, role: string, password: string): string {
  const changed = new URL(url)
  changed.username = encodeURIComponent(role)
  changed.password = encodeURIComponent(password)
  return changed.href
}

/** The database that a connection URL names. */
export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1))
}
