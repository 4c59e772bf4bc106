import { describe, expect, it } from 'vitest'
import { asCaller, statusOf, useBroker, whoAmI } from '../../../test/support/broker.ts'
import { onServer } from '../../../test/support/databases.ts'
import { httpErrors } from '../../http/index.ts'

const start = useBroker(3)

const kill = (pid: number) =>
  onServer((server) => server.query('SELECT pg_terminate_backend($1, 5000)', [pid]))
const sleep = { text: 'SELECT pg_sleep(30)' }
type Rig = ReturnType<typeof start>

/** A source whose first connection waits until it is let in, and fails when `first` does. */
function gated(rig: Rig, first: () => Promise<void> = async () => undefined) {
  const { database, open } = rig.destination(rig.name(0))
  const gate = Promise.withResolvers<void>()
  const tries = { count: 0 }
  const source = rig.broker.sourceFor({
    database,
    open: async () => {
      if (tries.count++ > 0) return open()
      await gate.promise
      await first()
      return open()
    },
  })
  return { source, tries, letIn: gate.resolve, evict: () => rig.broker.evict(database) }
}

describe('a connection', () => {
  it('B14 that comes back inside a transaction is closed', async () => {
    const rig = start()
    const { rows } = await rig.source(0).exclusive(async (connection) => {
      await connection.query('BEGIN')
      return connection.query(whoAmI.text)
    })
    expect(await rig.pid(0)).not.toBe(rows[0].pid)
    await expect.poll(() => rig.backends()).toBe(1)
  })

  it('J3 that is lost while nobody uses it gives its place back', async () => {
    const rig = start({ max: 1 })
    await kill(await rig.pid(0))
    await expect.poll(() => rig.broker.openConnections).toBe(0)
    await expect(rig.source(1).query(whoAmI)).resolves.toBeDefined()
  })

  it('J4 that is lost while it is lent fails its holder alone', async () => {
    const rig = start({ max: 1 })
    const killed = rig.source(0).exclusive(async (connection) => {
      const { rows } = await connection.query(whoAmI.text)
      await kill(rows[0].pid)
      // Its place is free before its holder gave it back.
      await rig.pid(1)
      return connection.query('SELECT 1')
    })
    await expect(killed).rejects.toThrow()
    await expect(rig.source(1).query(whoAmI)).resolves.toBeDefined()
    expect(rig.broker.openConnections).toBe(1)
  })

  it('J3 that is lost with several statements under way answers 503 to each, and the next call works', async () => {
    const rig = start({ max: 1 })
    const pid = await rig.pid(0)
    const lost = [sleep, whoAmI, whoAmI, sleep].map((one) => rig.source(0).query(one))
    const results = Promise.allSettled(lost)
    await expect.poll(async () => (await rig.activity(0))[0]?.query).toContain('pg_sleep')
    await kill(pid)
    for (const result of await results) {
      expect(result.status).toBe('rejected')
      expect(statusOf(result.status === 'rejected' && result.reason)).toBe(503)
    }
    expect(await rig.pid(0)).not.toBe(pid)
    expect(rig.broker.stats()).toEqual({ open: 1, busy: 0, idle: 1, waiting: 0 })
  })
})

describe('a database', () => {
  it('J5 that is gone answers tenant-unavailable to all who wait for it, and takes no place', async () => {
    const rig = start({ max: 2 })
    const gone = rig.broker.sourceFor(rig.destination('tenant_gone'))
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => gone.query(whoAmI)))
    for (const result of results)
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { code: 'tenant-unavailable', status: 503 },
      })
    expect(rig.broker.openConnections).toBe(0)
    await expect(rig.source(0).query(whoAmI)).resolves.toBeDefined()
  })

  it('that is gone is not tried again and again for each of many callers', async () => {
    const rig = start({ max: 4, maxPerTenant: 4 })
    const gone = rig.broker.sourceFor(rig.destination('tenant_gone'))
    await expect(gone.query(whoAmI)).rejects.toThrow()
    const before = rig.opened
    const callers = Array.from({ length: 200 }, () => gone.query(whoAmI).catch(() => undefined))
    await Promise.all(callers)
    expect(rig.opened - before).toBeLessThanOrEqual(2)
  })

  it('to which no further connection can be made is served by the one it has', async () => {
    const rig = start({ max: 4, maxPerTenant: 3 })
    const { database, open } = rig.destination(rig.name(0))
    let tries = 0
    const source = rig.broker.sourceFor({
      database,
      open: () => (tries++ === 0 ? open() : Promise.reject(httpErrors.databaseUnavailable())),
    })
    await source.query(whoAmI)
    const all = Array.from({ length: 40 }, () => source.exclusive((one) => one.query(whoAmI)))
    await expect(Promise.all(all)).resolves.toHaveLength(40)
    expect(rig.broker.openConnections).toBe(1)
    // Forty callers, but a pause after each failure.
    expect(tries).toBeLessThan(30)
  })

  it('J21 without a table answers tenant-not-ready', async () => {
    await expect(start().source(0).query({ text: 'SELECT * FROM nowhere' })).rejects.toMatchObject({
      code: 'tenant-not-ready',
      status: 503,
    })
  })

  it('that is evicted loses its unused connections at once and its lent ones after use', async () => {
    const rig = start({ max: 4, maxPerTenant: 2 })
    await rig.pid(1)
    const one = rig.hold(0)
    const connection = await one.held
    await rig.pid(0)
    await rig.broker.evict(rig.name(0))
    expect(await rig.backends(0)).toBe(1)
    await expect(connection.query('SELECT 1')).resolves.toBeDefined()
    one.release()
    await one.done
    await expect.poll(() => rig.backends(0)).toBe(0)
    expect(await rig.backends(1)).toBe(1)
    await expect(rig.source(0).query(whoAmI)).resolves.toBeDefined()
  })

  it('that is evicted while a connection to it is being opened does not keep that one', async () => {
    const { source, tries, letIn, evict } = gated(start({ max: 2 }))
    const asked = source.query(whoAmI)
    const evicted = evict()
    letIn()
    await evicted
    await expect(asked).resolves.toBeDefined()
    expect(tries.count).toBe(2)
  })
})

describe('an eviction while a connection is being opened', () => {
  it('resolves when that one is closed', async () => {
    const rig = start({ max: 2 })
    const { source, letIn, evict } = gated(rig)
    const gone = asCaller(() => source.query(whoAmI))
    gone.leave()
    await expect(gone.result).rejects.toThrow()
    const evicted = evict()
    letIn()
    await evicted
    expect(rig.broker.openConnections).toBe(0)
    expect(await rig.backends(0)).toBe(0)
  })

  it('spares those who come later what failed before', async () => {
    const refuse = () => Promise.reject(new Error('an old password'))
    const { source, letIn, evict } = gated(start({ max: 2 }), refuse)
    const first = source.query(whoAmI).catch((error) => error.message)
    void evict()
    const second = source.query(whoAmI)
    letIn()
    await expect(second).resolves.toBeDefined()
    await first
  })
})

describe('a server that is known to be away', () => {
  it('keeps only the caller waiting who tries it', async () => {
    const { source, letIn } = gated(start({ max: 2, isAway: () => true }))
    const first = source.query(whoAmI)
    await expect(source.query(whoAmI)).rejects.toMatchObject({ code: 'database-unavailable', status: 503 })
    letIn()
    await expect(first).resolves.toBeDefined()
  })
})

describe('a closed broker', () => {
  it('refuses everybody, those who wait too, and closes what is lent when it comes back', async () => {
    const rig = start({ max: 2, maxPerTenant: 1 })
    await rig.pid(2)
    const one = rig.hold(0)
    await one.held
    const waiting = rig.source(0).query(whoAmI)
    waiting.catch(() => undefined)
    await rig.broker.close()
    expect(await rig.backends()).toBe(1)
    await expect(waiting).rejects.toMatchObject({ code: 'overloaded' })
    await expect(rig.source(1).query(whoAmI)).rejects.toMatchObject({ code: 'overloaded' })
    one.release()
    await one.done
    await expect.poll(() => rig.broker.openConnections).toBe(0)
    expect(await rig.backends()).toBe(0)
  })
})
