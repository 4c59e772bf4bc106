import { describe, expect, it } from 'vitest'
import { useBroker, whoAmI } from '../../../test/support/broker.ts'
import { AppError } from '../../platform/index.ts'

const start = useBroker(4)

/** Notes who was served, in order. */
function record() {
  const served: string[] = []
  return { served, note: (name: string) => async () => void served.push(name) }
}

describe('callers in line', () => {
  it('of one tenant are served in the order in which they came, whatever they want', async () => {
    const rig = start({ max: 1 })
    const one = rig.hold(0)
    await one.held
    const { served, note } = record()
    const source = rig.source(0)
    const waiting = Array.from({ length: 30 }, (_, index) =>
      index % 3 === 0 ? source.exclusive(note(`${index}`)) : source.query(whoAmI).then(note(`${index}`)),
    )
    one.release()
    await Promise.all([one.done, ...waiting])
    expect(served).toEqual(Array.from({ length: 30 }, (_, index) => `${index}`))
  })

  it('who want a connection alone are not starved by a stream of statements', async () => {
    const rig = start({ max: 2, maxPerTenant: 2 })
    const source = rig.source(0)
    let isOver = false
    let passed = 0
    const stream = Array.from({ length: 24 }, async () => {
      while (!isOver) {
        await source.query(whoAmI)
        passed++
      }
    })
    await expect.poll(() => passed).toBeGreaterThan(100)
    const atStart = passed
    await source.exclusive(async () => undefined)
    // Only what was under way already may come before: twice the depth, and what came while the lease began.
    expect(passed - atStart).toBeLessThan(200)
    isOver = true
    await Promise.all(stream)
  })

  it('of a quiet tenant wait a few turns of a busy one, not for all of its two hundred callers', async () => {
    const rig = start({ max: 1 })
    const one = rig.hold(0)
    await one.held
    const { served, note } = record()
    const busy = Array.from({ length: 200 }, () =>
      rig.source(0).exclusive(async (connection) => {
        await connection.query('SELECT pg_sleep(0.002)')
        served.push('busy')
      }),
    )
    const quiet = rig.source(1).exclusive(note('quiet'))
    one.release()
    await Promise.all([one.done, quiet, ...busy])
    expect(served.indexOf('quiet')).toBeLessThan(50)
  })

  it('of a tenant with shared statements give way too', async () => {
    const rig = start({ max: 1 })
    const { served, note } = record()
    let isOver = false
    const busy = Array.from({ length: 32 }, async () => {
      while (!isOver) {
        await rig.source(0).query(whoAmI)
        served.push('busy')
      }
    })
    await expect.poll(() => served.length).toBeGreaterThan(100)
    await rig.source(1).query(whoAmI).then(note('quiet'))
    await rig.source(2).query(whoAmI).then(note('quiet'))
    isOver = true
    await Promise.all(busy)
    expect(served.filter((name) => name === 'quiet')).toHaveLength(2)
  })

  it('of several tenants get places in turn', async () => {
    const rig = start({ max: 1, turnMs: 0, turnOpenings: 0 })
    const one = rig.hold(3)
    await one.held
    const { served, note } = record()
    const waiting = [0, 0, 0, 1, 1, 1, 2, 2, 2].map((index) => rig.source(index).exclusive(note(`${index}`)))
    one.release()
    await Promise.all([one.done, ...waiting])
    expect(served).toEqual(['0', '1', '2', '0', '1', '2', '0', '1', '2'])
  })

  it('of a tenant that has little come before those of one that has much', async () => {
    const rig = start({ max: 4, maxPerTenant: 4, turnMs: 0, turnOpenings: 0 })
    const many = [0, 0, 0, 0].map((index) => rig.hold(index))
    await Promise.all(many.map((one) => one.held))
    const { served, note } = record()
    const more = rig.source(0).exclusive(note('more'))
    const first = rig.source(1).exclusive(note('first'))
    many[0]?.release()
    await first
    for (const one of many) one.release()
    await Promise.all([more, ...many.map((one) => one.done)])
    expect(served).toEqual(['first', 'more'])
  })

  it('J10 hear 503 and Retry-After after the deadline', async () => {
    const rig = start({ max: 1, maxWaitMs: 500 })
    const one = rig.hold(0)
    await one.held
    const refused = await rig
      .source(1)
      .query(whoAmI)
      .catch((error) => error)
    expect(refused).toBeInstanceOf(AppError)
    expect(refused).toMatchObject({ status: 503, code: 'overloaded', headers: { 'retry-after': '5' } })
    expect(rig.broker.stats().waiting).toBe(0)
    one.release()
    await one.done
    await expect(rig.source(1).query(whoAmI)).resolves.toBeDefined()
  })

  it('J10 hear 503 at once when too many are in line', async () => {
    const rig = start({ max: 1, maxWaiting: 3 })
    const one = rig.hold(0)
    await one.held
    const waiting = [1, 2, 1].map((index) => rig.source(index).query(whoAmI))
    await expect(rig.source(0).query(whoAmI)).rejects.toMatchObject({ code: 'overloaded' })
    await expect(rig.source(3).exclusive(async () => 1)).rejects.toMatchObject({ code: 'overloaded' })
    expect(rig.broker.stats().waiting).toBe(3)
    one.release()
    await Promise.all([one.done, ...waiting])
  })
})
