import { randomBytes } from 'node:crypto'
import type pg from 'pg'
import { afterAll, afterEach, beforeAll, expect, inject } from 'vitest'
import { toAppError } from '../../src/http/error-mapping.ts'
import {
  Abandonment,
  abandonable,
  connect,
  databaseOf,
  REQUEST_TIMEOUTS,
  runInContext,
  type Timeouts,
  withDatabase,
} from '../../src/platform/index.ts'
import { type BrokerOptions, ConnectionBroker, type Destination } from '../../src/tenancy/broker/index.ts'
import { createTestDatabase, onServer, type TestDatabase } from './databases.ts'

export const whoAmI = { text: 'SELECT current_database() AS name, pg_backend_pid() AS pid' }

/** What the server tells of one connection. */
export interface Activity {
  readonly pid: number
  readonly state: string
  readonly query: string
  /** Milliseconds since its last statement began. */
  readonly since: number
}

/** A broker for one test, and databases to use it with. */
export class BrokerRig {
  /** What its connections are called in pg_stat_activity. */
  readonly application = `broker ${randomBytes(4).toString('hex')}`
  readonly names: readonly string[]
  readonly broker: ConnectionBroker
  /** Connections that the broker asked for. */
  opened = 0
  readonly #timeouts: Timeouts

  constructor(names: readonly string[], options: Partial<BrokerOptions> & { timeouts?: Partial<Timeouts> }) {
    const { timeouts, ...limits } = options
    this.names = names
    this.#timeouts = { ...REQUEST_TIMEOUTS, ...timeouts }
    this.broker = new ConnectionBroker({
      max: 4,
      maxPerTenant: 2,
      maxWaitMs: 10_000,
      idleMs: 60_000,
      ...limits,
    })
  }

  destination(database: string): Destination {
    const connection = {
      url: withDatabase(inject('postgresUrl'), database),
      applicationName: this.application,
      timeouts: this.#timeouts,
    }
    return {
      database,
      open: () => {
        this.opened++
        return connect(connection)
      },
    }
  }

  name(index: number): string {
    const name = this.names[index]
    if (name === undefined) throw new Error(`no database ${index}`)
    return name
  }

  source(index: number) {
    return this.broker.sourceFor(this.destination(this.name(index)))
  }

  /** The process that answers a statement on a database now. */
  async pid(index: number): Promise<number> {
    const { rows } = await this.source(index).query(whoAmI)
    return rows[0].pid
  }

  /** Takes a connection and keeps it until told to let go; `held` resolves when it has it. */
  hold(index: number) {
    const held = Promise.withResolvers<pg.ClientBase>()
    const release = Promise.withResolvers<void>()
    const done = this.source(index).exclusive(async (connection) => {
      held.resolve(connection)
      await release.promise
    })
    done.catch(held.reject)
    return { held: held.promise, release: release.resolve, done }
  }

  /** How many backends the server sees, in all or in one database. */
  async backends(index?: number): Promise<number> {
    return (await this.activity(index)).length
  }

  /** What the server sees of this broker's connections. */
  async activity(index?: number): Promise<Activity[]> {
    const { rows } = await onServer((server) =>
      server.query(
        `SELECT pid, state, query, (extract(epoch FROM clock_timestamp() - query_start) * 1000)::float8 AS since
         FROM pg_stat_activity
         WHERE application_name = $1 AND ($2::text IS NULL OR datname = $2)`,
        [this.application, index === undefined ? null : this.name(index)],
      ),
    )
    return rows
  }
}

/** Databases of this file's own, and a fresh rig for each test, whose broker is closed after it. */
export function useBroker(databaseCount: number) {
  const databases: TestDatabase[] = []
  const rigs: BrokerRig[] = []
  beforeAll(async () => {
    for (let index = 0; index < databaseCount; index++) databases.push(await createTestDatabase())
  })
  afterEach(async () => {
    for (const { broker } of rigs.splice(0)) {
      await broker.close()
      await expect.poll(() => broker.openConnections, { timeout: 10_000 }).toBe(0)
    }
  })
  afterAll(async () => {
    for (const database of databases) await database.drop()
  })
  return (options: Partial<BrokerOptions> & { timeouts?: Partial<Timeouts> } = {}): BrokerRig => {
    const rig = new BrokerRig(
      databases.map(({ url }) => databaseOf(url)),
      options,
    )
    rigs.push(rig)
    return rig
  }
}

/** Runs `work` for a caller who can go away. */
export function asCaller<T>(work: () => T): { result: T; leave: () => void } {
  const abandonment = new Abandonment()
  return {
    result: runInContext(abandonable({}, abandonment), work),
    leave: () => abandonment.abandon(),
  }
}

/** The HTTP status that an error leads to. */
export function statusOf(error: unknown): number {
  return toAppError(error).status
}
