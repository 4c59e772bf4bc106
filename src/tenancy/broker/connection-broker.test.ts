import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest'
import { createTestDatabase, onServer, type TestDatabase } from '../../../test/support/databases.ts'
import { AppError, connect, databaseOf, REQUEST_TIMEOUTS, withDatabase } from '../../platform/index.ts'
import { type BrokerOptions, ConnectionBroker, type Destination } from './connection-broker.ts'

const APPLICATION = 'broker test'
const databases: TestDatabase[] = []
const [A, B, C] = [0, 1, 2].map((index) => () => databaseOf(databases[index]?.url ?? '')) as [
  () => string,
  () => string,
  () => string,
]
let broker: ConnectionBroker

function start(limits: Partial<BrokerOptions> = {}): ConnectionBroker {
  broker = new ConnectionBroker({
    max: 4,
    maxPerTenant: 2,
    maxWaitMs: 5_000,
    idleMs: 60_000,
    ...limits,
  })
  return broker
}

const sourceFor = (database: string) => broker.sourceFor(destination(database))

function destination(database: string): Destination {
  const url = withDatabase(inject('postgresUrl'), database)
  return {
    database,
    open: () => connect({ url, applicationName: APPLICATION, timeouts: REQUEST_TIMEOUTS }),
  }
}

/** How many backends the server sees, in all or in one database. */
async function backends(database?: string): Promise<number> {
  const { rows } = await onServer((server) =>
    server.query(
      'SELECT count(*)::int FROM pg_stat_activity WHERE application_name = $1 AND ($2::text IS NULL OR datname = $2)',
      [APPLICATION, database ?? null],
    ),
  )
  return rows[0]?.count
}

/** Holds a connection until told to let go; `held` resolves when it has it. */
function hold(database: string) {
  const held = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const done = sourceFor(database).exclusive(async () => {
    held.resolve()
    await release.promise
  })
  done.catch(held.reject)
  return { held: held.promise, release: release.resolve, done }
}

const whoAmI = { text: 'SELECT current_database() AS name, pg_backend_pid() AS pid' }

beforeAll(async () => {
  for (let index = 0; index < 3; index++) databases.push(await createTestDatabase())
})
afterEach(() => broker.close())
afterAll(async () => {
  for (const database of databases) await database.drop()
})

describe('ConnectionBroker', () => {
  it('answers from the database that was asked for', async () => {
    start()
    for (const database of [A(), B(), A(), C()]) {
      const { rows } = await sourceFor(database).query(whoAmI)
      expect(rows[0]?.name).toBe(database)
    }
  })

  it('reuses a connection', async () => {
    start()
    const first = await sourceFor(A()).query(whoAmI)
    const second = await sourceFor(A()).query(whoAmI)
    expect(second.rows[0]?.pid).toBe(first.rows[0]?.pid)
    expect(broker.openConnections).toBe(1)
  })

  it('I6 never opens more than its budget, and every answer is its own database’s', async () => {
    start({ max: 3 })
    let most = 0
    const ask = async (database: string) => {
      const { rows } = await sourceFor(database).query({
        text: 'SELECT current_database() AS name, pg_sleep(0.002)',
      })
      expect(rows[0]?.name).toBe(database)
    }
    const asking = Promise.all(
      Array.from({ length: 120 }, (_, index) => ask([A(), B(), C()][index % 3] ?? '')),
    )
    const watching = (async () => {
      for (let sample = 0; sample < 15; sample++) most = Math.max(most, await backends())
    })()
    await Promise.all([asking, watching])
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThanOrEqual(3)
    expect(broker.openConnections).toBeLessThanOrEqual(3)
  })

  it('I5 gives one tenant no more than its share, while others are served', async () => {
    start({ max: 4, maxPerTenant: 2, maxWaitMs: 50 })
    const held = [hold(A()), hold(A())]
    await Promise.all(held.map((one) => one.held))
    await expect(sourceFor(A()).query(whoAmI)).rejects.toMatchObject({
      code: 'overloaded',
      status: 503,
    })
    await expect(sourceFor(B()).query(whoAmI)).resolves.toBeDefined()
    for (const one of held) one.release()
    await Promise.all(held.map((one) => one.done))
  })

  it('closes the longest unused connection when another tenant needs its place', async () => {
    start({ max: 2 })
    await sourceFor(A()).query(whoAmI)
    await sourceFor(B()).query(whoAmI)
    await sourceFor(C()).query(whoAmI)
    expect(broker.openConnections).toBe(2)
    expect(await backends(B())).toBe(1)
    expect(await backends(C())).toBe(1)
  })

  it('B13 never closes a connection that is lent', async () => {
    start({ max: 1 })
    const one = hold(A())
    await one.held
    const other = sourceFor(B()).query(whoAmI)
    expect(await backends(A())).toBe(1)
    one.release()
    await one.done
    await expect(other).resolves.toMatchObject({ rows: [{ name: B() }] })
  })

  it('serves those who wait in the order in which they came', async () => {
    start({ max: 1 })
    const one = hold(A())
    await one.held
    const served: string[] = []
    const waiting = [B(), A(), C(), B()].map((database, index) =>
      sourceFor(database).exclusive(async () => void served.push(`${index}`)),
    )
    one.release()
    await Promise.all([one.done, ...waiting])
    expect(served).toEqual(['0', '1', '2', '3'])
  })

  it('J10 refuses with 503 and Retry-After after the deadline', async () => {
    start({ max: 1, maxWaitMs: 20 })
    const one = hold(A())
    await one.held
    const refused = await sourceFor(B())
      .query(whoAmI)
      .catch((error) => error)
    expect(refused).toBeInstanceOf(AppError)
    expect(refused).toMatchObject({ status: 503, code: 'overloaded', headers: { 'retry-after': '5' } })
    one.release()
    await one.done
    await expect(sourceFor(B()).query(whoAmI)).resolves.toBeDefined()
  })

  it('B14 closes a connection that comes back inside a transaction', async () => {
    start()
    const { rows } = await sourceFor(A()).exclusive(async (connection) => {
      await connection.query('BEGIN')
      return connection.query(whoAmI)
    })
    const next = await sourceFor(A()).query(whoAmI)
    expect(next.rows[0]?.pid).not.toBe(rows[0]?.pid)
  })

  it('J3 survives the death of an unused backend', async () => {
    start({ max: 1 })
    const { rows } = await sourceFor(A()).query(whoAmI)
    await onServer((server) => server.query('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid]))
    await expect(sourceFor(B()).query(whoAmI)).resolves.toBeDefined()
    expect(broker.openConnections).toBe(1)
  })

  it('J4 reports the death of a lent backend to its holder alone, and gives the place back', async () => {
    start({ max: 1 })
    const killed = sourceFor(A()).exclusive(async (connection) => {
      const { rows } = await connection.query(whoAmI)
      await onServer((server) => server.query('SELECT pg_terminate_backend($1, 5000)', [rows[0]?.pid]))
      return connection.query(whoAmI)
    })
    await expect(killed).rejects.toThrow()
    await expect(sourceFor(B()).query(whoAmI)).resolves.toBeDefined()
    expect(broker.openConnections).toBe(1)
  })

  it('J5 answers tenant-unavailable for a database that is gone', async () => {
    start({ max: 1 })
    await expect(sourceFor('tenant_gone').query(whoAmI)).rejects.toMatchObject({
      code: 'tenant-unavailable',
    })
    await expect(sourceFor(A()).query(whoAmI)).resolves.toBeDefined()
  })

  it('J21 answers tenant-not-ready where a table is missing', async () => {
    start()
    await expect(sourceFor(A()).query({ text: 'SELECT * FROM nowhere' })).rejects.toMatchObject({
      code: 'tenant-not-ready',
      status: 503,
    })
  })

  it('refuses everybody once it is closed, those who wait too', async () => {
    start({ max: 1 })
    const one = hold(A())
    await one.held
    const waiting = sourceFor(B()).query(whoAmI)
    const closing = broker.close()
    await expect(waiting).rejects.toMatchObject({ code: 'overloaded' })
    await closing
    await expect(sourceFor(C()).query(whoAmI)).rejects.toMatchObject({ code: 'overloaded' })
    one.release()
    await one.done
  })
})
