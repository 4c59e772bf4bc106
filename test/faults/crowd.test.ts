import { afterAll, beforeAll, expect, it } from 'vitest'
import { eventually } from '../acceptance/support/poll.ts'
import { atOnce } from '../support/at-once.ts'
import { changeProfile, type House, moveIn, type Resident, readProfile, startHouse } from './support/house.ts'

const TENANTS = 16
const MOST_CONNECTIONS = 5

let house: House
const residents: Resident[] = []
beforeAll(async () => {
  house = await startHouse(
    { TENANT_CONNECTIONS: `${MOST_CONNECTIONS}`, TENANT_CONNECTIONS_PER_TENANT: '2' },
    ['max_connections=30'],
  )
  for (let index = 0; index < TENANTS; index++) {
    const resident = await moveIn(house, `Crowd ${index}`)
    await changeProfile(house.server, resident, { full_name: resident.tenantId })
    residents.push(resident)
  }
})
afterAll(() => house[Symbol.asyncDispose]())

const asAdmin = (sql: string, values: unknown[] = [], database?: string) =>
  house.postgres.asAdmin(async (admin) => (await admin.query(sql, values)).rows, database)

/** The processes that serve connections to these tenants, as PostgreSQL sees them. */
async function backends(): Promise<number[]> {
  const rows = await asAdmin(
    `SELECT pid FROM pg_stat_activity WHERE datname = ANY ($1) AND usename <> 'postgres'`,
    [residents.map(({ databaseName }) => databaseName)],
  )
  return rows.map(({ pid }) => pid)
}

/**
 * Connections that were there at the same moment. The view is read process by process, so one look may see one that ends
 * and the one that takes its place; what two looks see was there all the time between them.
 */
async function connections(): Promise<number> {
  const seen = new Set(await backends())
  return (await backends()).filter((pid) => seen.has(pid)).length
}

it('I6 B13 more tenants than connections: each is served its own, nobody loses what it holds', async () => {
  const [holder, ...others] = residents as [Resident, ...Resident[]]
  await asAdmin(
    `CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(1.5); RETURN NEW; END $$;
     CREATE TRIGGER slow BEFORE UPDATE ON users FOR EACH ROW EXECUTE FUNCTION slow()`,
    [],
    holder.databaseName,
  )
  const holding = changeProfile(house.server, holder, { phone: '112' })
  let most = 0
  let isOver = false
  const watching = eventually('the end', async () => {
    most = Math.max(most, await connections())
    return isOver
  })
  for (let round = 0; round < 6; round++) {
    const replies = await atOnce(others.length * 2, async (index) => {
      const resident = others[index % others.length] as Resident
      return { resident, reply: await readProfile(house.server, resident) }
    })
    for (const { resident, reply } of replies)
      expect(reply).toMatchObject({ status: 200, body: { full_name: resident.tenantId } })
  }
  expect(await holding).toMatchObject({ status: 200, body: { phone: '112', full_name: holder.tenantId } })
  isOver = true
  await watching
  expect(most).toBeGreaterThan(1)
  expect(most).toBeLessThanOrEqual(MOST_CONNECTIONS)
})
