import { describe, expect, it } from 'vitest'
import { asCaller, useBroker } from '../../../test/support/broker.ts'
import { requestCancel } from './cancel.ts'

const start = useBroker(1)

describe('J22 a plan that a migration made stale', () => {
  const all = { name: 'all', text: 'SELECT * FROM plans' }

  /** A tenant whose two connections both have the old plan. */
  async function withStalePlans(run: (rig: ReturnType<typeof start>) => Promise<void>): Promise<void> {
    const rig = start({ max: 2, maxPerTenant: 2 })
    await rig.source(0).query({ text: 'CREATE TABLE plans AS SELECT 1 AS a' })
    const holders = [rig.hold(0), rig.hold(0)]
    for (const one of holders) await (await one.held).query(all)
    for (const one of holders) one.release()
    await Promise.all(holders.map(({ done }) => done))
    await rig.source(0).query({ text: 'ALTER TABLE plans ADD COLUMN b int DEFAULT 2' })
    try {
      await run(rig)
    } finally {
      await rig.source(0).query({ text: 'DROP TABLE plans' })
    }
  }

  it('on every connection of a tenant costs no answer', () =>
    withStalePlans(async (rig) => {
      const answers = await Promise.all([all, all, all].map((one) => rig.source(0).query(one)))
      for (const { rows } of answers) expect(rows).toEqual([{ a: 1, b: 2 }])
    }))

  it('fails one transaction at most', () =>
    withStalePlans(async (rig) => {
      const read = () => rig.source(0).exclusive((connection) => connection.query(all))
      await expect(read()).rejects.toMatchObject({ code: '0A000' })
      for (let times = 0; times < 3; times++) await expect(read()).resolves.toBeDefined()
    }))
})

describe('a statement that another’s cancel request hit', () => {
  /** A cancel request that goes out when it is told to. */
  function lateCancel() {
    const gate = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const cancel: typeof requestCancel = async (client) => {
      asked.resolve()
      await gate.promise
      await requestCancel(client)
    }
    return { cancel, asked: asked.promise, send: gate.resolve }
  }

  it('is not run again when a part of it is committed', async () => {
    const { cancel, asked, send } = lateCancel()
    const rig = start({ max: 2, maxPerTenant: 2, cancel })
    const run = (text: string) => rig.source(0).query({ text })
    await run('CREATE TABLE paid (id int)')
    await run(`CREATE PROCEDURE pay() LANGUAGE plpgsql
      AS $$ BEGIN INSERT INTO paid VALUES (1); COMMIT; PERFORM pg_sleep(20); END $$`)
    const gone = asCaller(() => run('SELECT pg_sleep(0.5)'))
    const neighbour = run('CALL pay()').catch((error) => error.code)
    gone.leave()
    await asked
    await gone.result
    await expect.poll(async () => (await run('SELECT FROM paid')).rowCount).toBe(1)
    send()
    expect(await neighbour).toBe('57014')
    expect((await run('SELECT FROM paid')).rowCount).toBe(1)
  })

  it('loses no place when the request cannot even be made', async () => {
    const cancel = () => {
      throw new TypeError('no key')
    }
    const rig = start({ max: 1, timeouts: { answer: 300 }, cancel })
    await rig
      .source(0)
      .query({ text: 'SELECT pg_sleep(1)' })
      .catch(() => undefined)
    await expect.poll(() => rig.broker.openConnections, { timeout: 10_000 }).toBe(0)
  })
})

it('a statement within its time is not cut because it stood behind others', async () => {
  const rig = start({ max: 1, timeouts: { statement: 4_000, answer: 1_500 } })
  await rig.pid(0)
  const all = [1, 2, 3].map((n) => rig.source(0).query({ text: `SELECT ${n} AS n, pg_sleep(0.7)` }))
  expect((await Promise.all(all)).map(({ rows }) => rows[0].n)).toEqual([1, 2, 3])
})
