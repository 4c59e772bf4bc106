import { describe, expect, it } from 'vitest'
import { useBroker, whoAmI } from '../../../test/support/broker.ts'

const start = useBroker(12)

describe('the budget of connections', () => {
  it('I6 is never exceeded as the server sees it, over 12 databases', async () => {
    const rig = start({ max: 4 })
    const end = performance.now() + 2_000
    let served = 0
    const caller = async (index: number) => {
      for (let turn = 0; performance.now() < end; turn++) {
        const database = (index + turn * 5) % 12
        const { rows } =
          turn % 4 === 0
            ? await rig.source(database).exclusive((connection) => connection.query(whoAmI))
            : await rig.source(database).query(whoAmI)
        expect(rows[0].name).toBe(rig.name(database))
        served++
      }
    }
    let most = 0
    const watch = async () => {
      while (performance.now() < end) most = Math.max(most, await rig.backends())
    }
    await Promise.all([watch(), ...Array.from({ length: 40 }, (_, index) => caller(index))])
    expect(most).toBeGreaterThan(1)
    expect(most).toBeLessThanOrEqual(4)
    expect(served).toBeGreaterThan(40)
    const inUse = () => {
      const { open, idle, busy, waiting } = rig.broker.stats()
      return { notIdle: open - idle, busy, waiting }
    }
    await expect.poll(inUse, { timeout: 10_000 }).toEqual({ notIdle: 0, busy: 0, waiting: 0 })
  })

  it('H17 fifty first callers at once open no more than one tenant may have', async () => {
    const rig = start({ max: 10, maxPerTenant: 3 })
    const source = rig.source(0)
    await Promise.all(Array.from({ length: 50 }, () => source.query(whoAmI)))
    await Promise.all(Array.from({ length: 50 }, () => source.exclusive((one) => one.query(whoAmI))))
    expect(rig.opened).toBe(3)
    expect(await rig.backends()).toBe(3)
  })

  it('I5 gives one tenant no more than its share, while others are served', async () => {
    const rig = start({ max: 4, maxPerTenant: 2, maxWaitMs: 1_000 })
    const held = [rig.hold(0), rig.hold(0)]
    await Promise.all(held.map((one) => one.held))
    await expect(rig.source(0).query(whoAmI)).rejects.toMatchObject({ code: 'overloaded', status: 503 })
    await expect(rig.source(1).query(whoAmI)).resolves.toBeDefined()
    for (const one of held) one.release()
    await Promise.all(held.map((one) => one.done))
  })

  it('a single connection is opened for a single caller, and used again', async () => {
    const rig = start()
    const first = await rig.pid(0)
    expect(await rig.pid(0)).toBe(first)
    expect(rig.opened).toBe(1)
  })

  it('the longest unused connection is closed when another tenant needs its place', async () => {
    const rig = start({ max: 2 })
    for (const index of [0, 1, 0, 2]) await rig.pid(index)
    expect(rig.broker.openConnections).toBe(2)
    expect(await Promise.all([0, 1, 2].map((index) => rig.backends(index)))).toEqual([1, 0, 1])
  })

  it('B13 a connection that is lent is never closed for another tenant', async () => {
    const rig = start({ max: 1 })
    const one = rig.hold(0)
    const connection = await one.held
    const other = rig.source(1).query(whoAmI)
    await expect(connection.query('SELECT 1')).resolves.toBeDefined()
    expect(await rig.backends(0)).toBe(1)
    one.release()
    await one.done
    await expect(other).resolves.toMatchObject({ rows: [{ name: rig.name(1) }] })
  })

  it('a busy tenant gets another connection where there is room', async () => {
    const rig = start({ max: 4, maxPerTenant: 2 })
    await rig.pid(0)
    await Promise.all(Array.from({ length: 200 }, () => rig.source(0).query(whoAmI)))
    await expect.poll(() => rig.broker.openConnections).toBe(2)
  })

  it('unused connections are closed after a while', async () => {
    const rig = start({ idleMs: 40 })
    await rig.pid(0)
    await rig.pid(1)
    await expect.poll(() => rig.broker.openConnections).toBe(0)
    expect(await rig.backends()).toBe(0)
    await expect(rig.source(0).query(whoAmI)).resolves.toBeDefined()
  })

  it('old connections are closed once they are free', async () => {
    const rig = start({ idleMs: 10_000, maxLifeMs: 0, max: 1 })
    const one = rig.hold(0)
    const connection = await one.held
    const { rows } = await connection.query(whoAmI.text)
    one.release()
    await one.done
    await expect.poll(() => rig.pid(0), { timeout: 10_000 }).not.toBe(rows[0].pid)
  })
})
