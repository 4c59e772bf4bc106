import { describe, expect, it } from 'vitest'
import { asCaller, useBroker, whoAmI } from '../../../test/support/broker.ts'
import { onServer } from '../../../test/support/databases.ts'
import { requestCancel } from './cancel.ts'

const start = useBroker(2)
const sleep = { text: 'SELECT pg_sleep(30)' }
type Rig = ReturnType<typeof start>

const isSleeping = async (rig: Rig) =>
  (await rig.activity()).some(({ state, query }) => state === 'active' && query.includes('pg_sleep'))

/** Cancels as usual, and counts. */
function counted() {
  const cancels = { count: 0 }
  const cancel: typeof requestCancel = (client) => {
    cancels.count++
    return requestCancel(client)
  }
  return { cancels, cancel }
}

describe('a caller who has gone', () => {
  it('leaves the line', async () => {
    const rig = start({ max: 1 })
    const one = rig.hold(0)
    await one.held
    let hasRun = false
    const gone = asCaller(() =>
      rig.source(1).exclusive(async () => {
        hasRun = true
      }),
    )
    const alsoGone = asCaller(() => rig.source(0).query(whoAmI))
    expect(rig.broker.stats().waiting).toBe(2)
    gone.leave()
    alsoGone.leave()
    await expect(gone.result).rejects.toMatchObject({ status: 503 })
    await expect(alsoGone.result).rejects.toMatchObject({ status: 503 })
    expect(rig.broker.stats().waiting).toBe(0)
    one.release()
    await one.done
    expect(hasRun).toBe(false)
  })

  it('takes the statement along that runs, and no neighbour is harmed', async () => {
    const rig = start({ max: 2, maxPerTenant: 1 })
    const pid = await rig.pid(0)
    const gone = asCaller(() => rig.source(0).query(sleep))
    const neighbours = [1, 2, 3].map((n) => rig.source(0).query({ text: 'SELECT $1::int AS n' }, [n]))
    const ended = expect(gone.result).rejects.toMatchObject({ code: '57014' })
    await expect.poll(() => isSleeping(rig)).toBe(true)
    gone.leave()
    await ended
    expect(await isSleeping(rig)).toBe(false)
    const answers = await Promise.all(neighbours)
    expect(answers.map(({ rows }) => rows[0].n)).toEqual([1, 2, 3])
    expect(await rig.pid(0)).not.toBe(pid)
  })

  it('takes the transaction along that runs', async () => {
    const rig = start({ max: 1 })
    const gone = asCaller(() =>
      rig.source(0).exclusive(async (connection) => {
        await connection.query('BEGIN')
        await connection.query('CREATE TABLE never (id int)')
        await connection.query(sleep.text)
        await connection.query('COMMIT')
      }),
    )
    const ended = expect(gone.result).rejects.toMatchObject({ code: '57014' })
    await expect.poll(() => isSleeping(rig)).toBe(true)
    gone.leave()
    await ended
    await expect(rig.source(0).query({ text: `SELECT to_regclass('never') AS name` })).resolves.toMatchObject(
      {
        rows: [{ name: null }],
      },
    )
  })

  it('does not stop another’s statement that runs before his', async () => {
    const { cancels, cancel } = counted()
    const rig = start({ max: 1, cancel })
    await rig.pid(0)
    const other = rig.source(0).query({ text: 'SELECT pg_sleep(0.3), 1 AS n' })
    const gone = asCaller(() => rig.source(0).query(whoAmI))
    gone.leave()
    await expect(other).resolves.toMatchObject({ rows: [{ n: 1 }] })
    await Promise.allSettled([gone.result])
    expect(cancels.count).toBe(0)
  })

  it('costs no cancel request when his statement is short', async () => {
    const { cancels, cancel } = counted()
    const rig = start({ cancel })
    const gone = asCaller(() => rig.source(0).query(whoAmI))
    gone.leave()
    await Promise.allSettled([gone.result])
    const late = asCaller(() => rig.source(0).query(whoAmI))
    await late.result
    late.leave()
    expect(cancels.count).toBe(0)
  })

  it('whose cancel request hits a neighbour does not hurt him: his statement is run again', async () => {
    // The request goes out when the abandoned statement is over and the next one runs.
    const gate = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const rig = start({
      max: 2,
      maxPerTenant: 2,
      cancel: async (client) => {
        asked.resolve()
        await gate.promise
        await requestCancel(client)
      },
    })
    const pid = await rig.pid(0)
    const gone = asCaller(() => rig.source(0).query({ text: 'SELECT pg_sleep(0.5)' }))
    const neighbour = rig.source(0).query({ text: 'SELECT pg_sleep(0.7), 5 AS n, pg_backend_pid() AS pid' })
    gone.leave()
    await asked.promise
    await gone.result
    gate.resolve()
    const { rows } = await neighbour
    expect(rows[0].n).toBe(5)
    expect(rows[0].pid).not.toBe(pid)
  })
})

describe('requestCancel', () => {
  it('fails when the server is not there', async () => {
    const client = await onServer(async (server) => server)
    Object.assign(client, { host: '127.0.0.1', port: 1 })
    await expect(requestCancel(client)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })
})
