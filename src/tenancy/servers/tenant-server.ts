import type pg from 'pg'
import type { MigrationSet } from '../../migrations/index.ts'
import {
  type Connection,
  type ConnectionOptions,
  type ConnectionSource,
  connect,
  createPool,
  databaseOf,
  type Id,
  MAINTENANCE_TIMEOUTS,
  type Pool,
  REQUEST_TIMEOUTS,
  SingleFlight,
  type Timeouts,
  withCredentials,
  withDatabase,
} from '../../platform/index.ts'
import { CircuitBreaker, ConnectionBroker } from '../broker/index.ts'
import { TenantTemplate } from '../provisioning/template.ts'

/** How many connections a server gives, and what its template is made of. */
export interface TenantServerOptions {
  readonly id: Id
  /** The platform's role on it; the database is where CREATE DATABASE is sent from. */
  readonly url: string
  /** Whether the core database is on it too. */
  readonly holdsCore: boolean
  readonly migrations: MigrationSet
  readonly installationId: () => Promise<Id>
  readonly connections: number
  readonly connectionsPerTenant: number
}

/** Each CREATE DATABASE copies megabytes, and the server's disk is everybody's: two at a time, the others wait. */
const COPYING_CONNECTIONS = 2
const PROVISIONING_TIMEOUTS = { ...MAINTENANCE_TIMEOUTS, connect: 60_000 }
/** Most that an answer to nothing may take. */
const ANSWER_MS = 2_000
/** The driver's types do not know that a statement may have a time-out of its own. */
const PROBE: pg.QueryConfig & { query_timeout: number } = { text: 'SELECT 1', query_timeout: ANSWER_MS }
/** One step follows the other within milliseconds; to ask before each whether the server is there would take as long. */
const FRESH_MS = 1_000
const MAX_WAIT_MS = 2_000
const IDLE_MS = 60_000

/** One PostgreSQL server with tenant databases on it: every way to it goes through here. */
export class TenantServer {
  readonly id: Id
  /** Then there is one log in one order for core and tenants: a later commit of the one flushes those of the other. */
  readonly holdsCore: boolean
  readonly broker: ConnectionBroker
  readonly breaker = new CircuitBreaker()
  readonly template: TenantTemplate
  readonly #options: TenantServerOptions
  readonly #copying: Pool
  /** Roles and rights: milliseconds, which should not wait behind tenfold of that. */
  readonly #administration: Pool
  /** Never in line behind a CREATE DATABASE. */
  readonly #probe: Pool
  readonly #pings = new SingleFlight<'ping', void>()
  #answeredAt: number | undefined
  readonly #usedAt = new WeakMap<Connection, number>()

  constructor(options: TenantServerOptions) {
    const { id, url, holdsCore, migrations, installationId, connections, connectionsPerTenant } = options
    this.id = id
    this.holdsCore = holdsCore
    this.#options = options
    this.broker = new ConnectionBroker({
      max: connections,
      maxPerTenant: connectionsPerTenant,
      maxWaitMs: MAX_WAIT_MS,
      idleMs: IDLE_MS,
      isAway: () => this.breaker.isOpen,
    })
    const provisioning = this.#connectionTo(databaseOf(url), PROVISIONING_TIMEOUTS)
    this.#copying = createPool({ ...provisioning, max: COPYING_CONNECTIONS })
    this.#administration = createPool({ ...provisioning, max: 1 })
    this.#probe = createPool({ ...this.#connectionTo(databaseOf(url), REQUEST_TIMEOUTS), max: 1 })
    this.template = new TenantTemplate({
      migrations,
      installationId,
      onDatabase: (database, work) => this.maintain(database, work),
    })
  }

  /** A connection of the platform's role for short statements about databases and roles. */
  administer<T>(work: (server: Connection) => Promise<T>): Promise<T> {
    return this.#on(this.#administration, work)
  }

  /** A connection of the platform's role to make databases with. */
  copy<T>(work: (server: Connection) => Promise<T>): Promise<T> {
    return this.#on(this.#copying, work)
  }

  /** Whether the server answers, within seconds. */
  async answers(): Promise<boolean> {
    return await this.#ping().then(
      () => true,
      () => false,
    )
  }

  /** Where the platform's role reaches a database of this server; it holds the role's password. */
  urlFor(database: string): string {
    return this.#connectionTo(database, MAINTENANCE_TIMEOUTS).url
  }

  /**
   * A connection of the platform's role to one database. It counts towards the server's budget. What `work` throws is
   * thrown as it is, not as a tenant's caller is told.
   */
  async maintain<T>(database: string, work: (connection: Connection) => Promise<T>): Promise<T> {
    const line = `maintenance of ${database}`
    const source = this.broker.sourceFor({
      database: line,
      isForOne: true,
      open: () => this.#open(this.#connectionTo(database, MAINTENANCE_TIMEOUTS)),
    })
    let thrown: { readonly error: unknown } | undefined
    const watched = async (connection: Connection): Promise<T> => {
      try {
        return await work(connection)
      } catch (error) {
        thrown = { error }
        throw error
      }
    }
    try {
      return await source.exclusive(watched)
    } catch (error) {
      throw thrown ? thrown.error : error
    } finally {
      // An open session would be in the way of a rename, a drop or a clone.
      await this.broker.evict(line)
    }
  }

  /**
   * Where a tenant's statements go: connections of its own role, which `logIn` opens.
   *
   * @param keeps lives as long as the tenant has connections
   */
  sourceFor(
    database: string,
    logIn: (open: TenantLogin) => Promise<pg.Client>,
    keeps: object,
  ): ConnectionSource {
    const open: TenantLogin = (role, password) => {
      const options = this.#connectionTo(database, REQUEST_TIMEOUTS)
      return this.#open({ ...options, url: withCredentials(options.url, role, password) })
    }
    return this.broker.sourceFor({ database, open: () => logIn(open), keeps })
  }

  async close(): Promise<void> {
    const pools = [this.#copying, this.#administration, this.#probe]
    await Promise.all([this.broker.close(), ...pools.map((pool) => pool.close())])
  }

  /** The breaker watches this and no long work, which would make others wait. */
  async #ping(): Promise<void> {
    await this.#pings.run('ping', async () => {
      await this.breaker.run(() => this.#probe.query(PROBE))
      this.#answeredAt = performance.now()
    })
  }

  async #on<T>(pool: Pool, work: (server: Connection) => Promise<T>): Promise<T> {
    if (isOld(this.#answeredAt)) await this.#ping()
    return await pool.exclusive(async (server) => {
      // An unused connection may be one that the network has forgotten, and `work` has all the time in the world.
      if (isOld(this.#usedAt.get(server))) await server.query(PROBE)
      const result = await work(server)
      this.#answeredAt = performance.now()
      this.#usedAt.set(server, this.#answeredAt)
      return result
    })
  }

  #open(options: ConnectionOptions): Promise<pg.Client> {
    return this.breaker.run(() => connect(options))
  }

  #connectionTo(database: string, timeouts: Timeouts): ConnectionOptions {
    return { url: withDatabase(this.#options.url, database), applicationName: 'tenantry', timeouts }
  }
}

/** Whether what was true then should be looked at again. */
function isOld(at: number | undefined): boolean {
  return at === undefined || performance.now() - at > FRESH_MS
}

/** Opens a connection to a tenant's database with what its role logs in with. */
export type TenantLogin = (role: string, password: string) => Promise<pg.Client>
