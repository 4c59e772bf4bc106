import { describe, expect, it } from 'vitest'
import { useBroker, whoAmI } from '../../../test/support/broker.ts'
import { databaseFault } from '../../platform/index.ts'
import { SLOW_MS } from './options.ts'

const start = useBroker(1)
const echo = { name: 'echo', text: 'SELECT $1::int AS n, pg_backend_pid() AS pid' }

describe('statements that share a connection', () => {
  it('get each its own answer', async () => {
    const rig = start({ max: 1 })
    const source = rig.source(0)
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, n) => source.query(echo, [n]).then(({ rows }) => rows[0])),
    )
    expect(answers.map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, n) => n))
    expect(new Set(answers.map(({ pid }) => pid)).size).toBe(1)
    expect(rig.opened).toBe(1)
  })

  it('are really under way together', async () => {
    const rig = start({ max: 1 })
    await rig.pid(0)
    const both = [rig.source(0).query(whoAmI), rig.source(0).query(whoAmI)]
    expect(rig.broker.stats()).toEqual({ open: 1, busy: 1, idle: 0, waiting: 0 })
    await Promise.all(both)
    expect(rig.broker.stats()).toEqual({ open: 1, busy: 0, idle: 1, waiting: 0 })
  })

  it('are no more than the depth allows', async () => {
    const rig = start({ max: 1, pipelineDepth: 3 })
    await rig.pid(0)
    const all = Array.from({ length: 10 }, () => rig.source(0).query(whoAmI))
    expect(rig.broker.stats().waiting).toBe(7)
    await Promise.all(all)
  })

  it('are not hurt by the error of one among them', async () => {
    const source = start({ max: 1 }).source(0)
    const divide = { name: 'divide', text: 'SELECT 12 / $1::int AS n' }
    const results = await Promise.allSettled([1, 0, 2, 0, 3, 0, 4].map((n) => source.query(divide, [n])))
    expect(
      results.map((result) => (result.status === 'fulfilled' ? result.value.rows[0].n : result.reason.code)),
    ).toEqual([12, '22012', 6, '22012', 4, '22012', 3])
  })

  it('get their own answers when the first failed to prepare what all of them run', async () => {
    const rig = start({ max: 1 })
    await rig.source(0).query({ text: 'CREATE TABLE later (id int)' })
    const missing = { name: 'missing', text: 'SELECT nothing FROM later' }
    const failed = await Promise.allSettled(Array.from({ length: 5 }, () => rig.source(0).query(missing)))
    for (const result of failed)
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'tenant-not-ready' } })
    await rig.source(0).query({ text: 'ALTER TABLE later ADD COLUMN nothing int' })
    await expect(rig.source(0).query(missing)).resolves.toMatchObject({ rows: [] })
  })

  it('survive a value of one among them that cannot be sent', async () => {
    const rig = start({ max: 1 })
    await rig.pid(0)
    const unsendable = {
      toPostgres: () => {
        throw new Error('no such value')
      },
    }
    const results = await Promise.allSettled([
      rig.source(0).query(echo, [1]),
      rig.source(0).query(echo, [unsendable]),
      rig.source(0).query(echo, [2]),
      rig.source(0).exclusive((connection) => connection.query(echo, [3])),
    ])
    expect(
      results.map((result) => (result.status === 'fulfilled' ? result.value.rows[0].n : 'failed')),
    ).toEqual([1, 'failed', 2, 3])
  })

  it('are all run again when a migration made their plan stale', async () => {
    const rig = start({ max: 2 })
    const source = rig.source(0)
    await source.query({ text: 'CREATE TABLE plans AS SELECT 1 AS a' })
    const all = { name: 'all', text: 'SELECT * FROM plans' }
    const other = { name: 'other', text: 'SELECT 7 AS n' }
    await Promise.all([source.query(all), source.query(other)])
    await source.query({ text: 'ALTER TABLE plans ADD COLUMN b int DEFAULT 2' })
    const answers = await Promise.all([all, other, all, other, all].map((one) => source.query(one)))
    expect(answers.map(({ rows }) => rows[0])).toEqual([
      { a: 1, b: 2 },
      { n: 7 },
      { a: 1, b: 2 },
      { n: 7 },
      { a: 1, b: 2 },
    ])
    expect(rig.broker.stats().waiting).toBe(0)
  })

  it('do not stand behind a slow one while the tenant may have another connection', async () => {
    const rig = start({ max: 2 })
    await rig.pid(0)
    const slow = rig.source(0).query({ text: 'SELECT pg_sleep(1.5)' })
    await expect
      .poll(async () =>
        (await rig.activity(0)).some((one) => one.state === 'active' && one.since > 2 * SLOW_MS),
      )
      .toBe(true)
    const quick = rig.source(0).query(whoAmI)
    expect(await Promise.race([slow.then(() => 'slow'), quick.then(() => 'quick')])).toBe('quick')
    await slow
  })

  it('fail with the one whose answer never came, and the next caller is served', async () => {
    const rig = start({ max: 1, timeouts: { answer: 1_500 } })
    await rig.pid(0)
    const results = await Promise.allSettled([
      rig.source(0).query({ text: 'SELECT pg_sleep(10)' }),
      rig.source(0).query(whoAmI),
    ])
    for (const result of results)
      expect(databaseFault(result.status === 'rejected' && result.reason)).toBe('unavailable')
    // The backend that still sleeps is stopped, or there would be one more than the budget allows.
    await expect(rig.source(0).query(whoAmI)).resolves.toBeDefined()
    expect(await rig.backends()).toBe(1)
  })

  it('cannot use a transaction that one of them left open', async () => {
    const rig = start({ max: 1 })
    const before = await rig.pid(0)
    const [begun, behind] = await Promise.allSettled([
      rig.source(0).query({ text: 'BEGIN' }),
      rig.source(0).query({ text: 'CREATE TABLE lost_in_silence (id int)' }),
    ])
    expect(begun.status).toBe('fulfilled')
    expect(behind.status).toBe('rejected')
    expect(await rig.pid(0)).not.toBe(before)
  })
})
