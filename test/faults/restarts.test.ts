import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrganization } from '../acceptance/support/api.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { type House, joinIn, moveIn, type Resident, readiness, startHouse } from './support/house.ts'
import { Load } from './support/load.ts'

let house: House
const residents: Resident[] = []
beforeAll(async () => {
  house = await startHouse()
  for (const name of ['One', 'Two']) {
    const first = await moveIn(house, name)
    residents.push(first, await joinIn(house.server, first.tenantId))
  }
})
afterAll(() => house[Symbol.asyncDispose]())

/** From the moment on when PostgreSQL accepts connections; about a second, on a machine that has nothing else to do. */
const BACK_WITHIN_MS = 10_000

/** One backend of the first tenant's database. */
async function victim(): Promise<number> {
  const pids = () =>
    house.postgres.asAdmin(async (admin) => {
      const { rows } = await admin.query('SELECT pid FROM pg_stat_activity WHERE datname = $1', [
        residents[0]?.databaseName,
      ])
      return rows[0]?.pid as number | undefined
    })
  return await eventually('a backend of the tenant', pids)
}

describe('under load, PostgreSQL', () => {
  it.each([
    ['J1 stops fast and comes back', async () => await house.postgres.stop('fast')],
    ['J2 is killed and recovers', async () => await house.postgres.crash()],
  ])('%s: 503 meanwhile, then 200, and all that was acknowledged is there', async (_, strike) => {
    const load = new Load(house.server, residents)
    await eventually('the load', () => load.leastAcknowledged > 5)
    await strike()
    const refused = load.refused
    await eventually('somebody to be told', () => load.refused > refused)
    await eventually('the probe to fail', async () => (await readiness(house.server)) === 503)
    await house.postgres.start()
    await expectRecovery(load)
  })

  it('J3 loses one backend of one tenant and recovers: the same', async () => {
    const load = new Load(house.server, residents)
    await eventually('the load', () => load.leastAcknowledged > 5)
    house.postgres.killBackend(await victim())
    await eventually('somebody to be told', () => load.refused)
    await house.postgres.untilItAccepts()
    await expectRecovery(load)
  })

  async function expectRecovery(load: Load): Promise<void> {
    const upAt = performance.now()
    const servedAt = await eventually('the first answer', () => load.firstSuccessAfter(upAt))
    expect(servedAt - upAt).toBeLessThan(BACK_WITHIN_MS)
    await eventually('everybody to be served', () => load.servedSince(upAt) === residents.length)
    await eventually('the probe to pass', async () => (await readiness(house.server)) === 200)
    await createOrganization(house.server.url, house.ownerToken, 'Afterwards')
    await load.stop()

    expect(load.problems).toEqual([])
    const unexpected = Object.keys(load.answers).filter((answer) => !/^(200|503 [\w-]+)$/.test(answer))
    expect(unexpected).toEqual([])
    expect(house.server.process.ending).toBeUndefined()
  }
})
