import { describe, expect, it } from 'vitest'
import { statusOf, useBroker, whoAmI } from '../../../test/support/broker.ts'

const start = useBroker(1)
type Rig = ReturnType<typeof start>

const codeOf = (error: { code?: string }) => error.code
const searchPath = async (rig: Rig) =>
  (await rig.source(0).query({ text: "SELECT current_setting('search_path') AS path" })).rows[0].path
/** Opens a transaction and fails: the error is reported before the state that it leaves. */
const POISON = 'BEGIN; SELECT 1/0'

describe('B14 a failed transaction that a statement left open', () => {
  it('is not what later callers find', async () => {
    const rig = start({ max: 1 })
    await expect(rig.source(0).query({ text: POISON })).rejects.toMatchObject({ code: '22012' })
    const after: unknown[] = []
    for (let n = 0; n < 5; n++)
      after.push(
        await rig
          .source(0)
          .query(whoAmI)
          .then(() => 200, statusOf),
      )
    // The first may be told that the connection was cut under it.
    expect(after.slice(1)).toEqual([200, 200, 200, 200])
    expect([200, 503]).toContain(after[0])
  })

  it('is not what a statement finds that was sent behind', async () => {
    const rig = start({ max: 1 })
    await rig.pid(0)
    const [, behind] = await Promise.allSettled([
      rig.source(0).query({ text: POISON }),
      rig.source(0).query(whoAmI),
    ])
    expect(behind.status === 'fulfilled' ? 200 : statusOf(behind.reason)).not.toBe(500)
  })

  it('is not what a transaction begins in', async () => {
    const rig = start({ max: 1 })
    await rig.pid(0)
    const [, lease] = await Promise.all([
      rig.source(0).query({ text: POISON }).catch(codeOf),
      rig
        .source(0)
        .exclusive((connection) => connection.query('BEGIN'))
        .then(() => 200, statusOf),
    ])
    expect([200, 503]).toContain(lease)
  })

  it('is not what is found behind a holder who did the same', async () => {
    const rig = start({ max: 1 })
    await rig.pid(0)
    const outcomes: unknown[] = []
    for (let n = 0; n < 20; n++) {
      const lease = rig
        .source(0)
        .exclusive((connection) => connection.query(POISON))
        .catch(codeOf)
      const behind = rig
        .source(0)
        .query(whoAmI)
        .then(() => 200, statusOf)
      outcomes.push((await Promise.all([lease, behind]))[1])
    }
    expect(outcomes).not.toContain(500)
  })
})

describe('what a holder left running', () => {
  it('is in nobody’s way', async () => {
    const rig = start({ max: 1 })
    const before = await rig.pid(0)
    const ended = Promise.withResolvers<void>()
    await rig.source(0).exclusive(async (connection) => {
      connection.query('SELECT pg_sleep(20)').catch(() => ended.resolve())
    })
    expect(await rig.pid(0)).not.toBe(before)
    await ended.promise
  })

  it('hurts nobody who comes later', async () => {
    const rig = start({ max: 1 })
    await rig.pid(0)
    const lease = rig.source(0).exclusive(async (connection) => {
      for (const text of ['SELECT 1', 'BEGIN']) void connection.query(text).catch(() => undefined)
    })
    await expect(rig.source(0).query({ text: 'CREATE TABLE made (id int)' })).resolves.toBeDefined()
    await lease
  })
})

it('nobody is served behind a clean-up that failed', async () => {
  const rig = start({ max: 1 })
  const before = await searchPath(rig)
  const cursors = Array.from({ length: 2_500 }, (_, n) => `DECLARE c${n} CURSOR WITH HOLD FOR SELECT 1`)
  const lease = rig.source(0).exclusive(async (connection) => {
    await connection.query(cursors.join(';'))
    await connection.query('SET search_path TO nowhere')
    await connection.query('SET statement_timeout = 1')
  })
  await expect.poll(() => rig.broker.stats().open).toBe(1)
  const behind = searchPath(rig).catch(statusOf)
  await lease
  expect([before, 503]).toContain(await behind)
})

it('a COPY that waits for rows shifts nobody’s answer', async () => {
  const rig = start({ max: 1, timeouts: { answer: 1_500 } })
  await rig.source(0).query({ text: 'CREATE TABLE copied (id int)' })
  const copy = rig.source(0).query({ text: 'COPY copied FROM STDIN' }).catch(codeOf)
  const behind = [1, 2, 3].map((n) =>
    rig
      .source(0)
      .query({ text: `SELECT ${n} AS n` })
      .then(({ rows }) => rows[0]?.n, statusOf),
  )
  for (const [index, n] of (await Promise.all(behind)).entries()) expect([index + 1, 503]).toContain(n)
  await copy
})
