import type pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createSecretBox, withCredentials, withDatabase } from '../../src/platform/index.ts'
import { createCredentialVault } from '../../src/tenancy/credentials/vault.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { connectTo } from '../acceptance/support/running-postgres.ts'
import { CORE, type House, moveIn, type Resident, readProfile, startHouse } from './support/house.ts'

const SECRET = 'secret-of-strangers-with-enough-different-characters'

let house: House
let hit: Resident
let other: Resident
beforeAll(async () => {
  house = await startHouse({ TENANTRY_SECRET: SECRET, SPARE_DATABASES: '0' })
  hit = await moveIn(house, 'Hit')
  other = await moveIn(house, 'Other')
}, 60_000)
afterAll(() => house?.[Symbol.asyncDispose]())

const asAdmin = (statement: string, values: unknown[] = []) =>
  house.postgres.asAdmin(async (admin) => (await admin.query(statement, values)).rows)

/** Where somebody else than the platform gets into a tenant's database. */
const doorFor = (role: string, password: string) =>
  withCredentials(withDatabase(house.postgres.adminUrl, hit.databaseName), role, password)

/** With the password of the tenant's own role. */
async function thief(): Promise<string> {
  const [row] = await house.postgres.asAdmin(
    async (core) =>
      (await core.query('SELECT sealed_password FROM tenants WHERE id = $1', [hit.tenantId])).rows,
    CORE,
  )
  const vault = createCredentialVault(createSecretBox(SECRET))
  return doorFor(hit.databaseName, vault.open(hit.tenantId, row.sealed_password))
}

/** With a role that an administrator let in. */
async function guest(): Promise<string> {
  await asAdmin("CREATE ROLE guest LOGIN PASSWORD 'guest'")
  await asAdmin(`GRANT CONNECT ON DATABASE "${hit.databaseName}" TO guest`)
  return doorFor('guest', 'guest')
}

/** Takes every place, those of the platform's connections too. */
async function takeEveryPlace(door: string): Promise<pg.Client[]> {
  const taken: pg.Client[] = []
  await eventually('the last place', async () => {
    await asAdmin(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1 AND application_name LIKE 'tenantry%'",
      [hit.databaseName],
    )
    try {
      for (;;) taken.push(await connectTo(door))
    } catch (error) {
      expect(error).toMatchObject({ code: '53300' })
    }
    const [row] = await asAdmin(
      'SELECT count(*)::int AS platform FROM pg_stat_activity WHERE datname = $1 AND pid <> ALL ($2)',
      [hit.databaseName, taken.map((client) => Reflect.get(client, 'processID'))],
    )
    return row.platform === 0
  })
  return taken
}

it.each([
  ['the tenant’s role', thief],
  ['the tenant’s database', guest],
])('J9 a stranger has every connection of %s: 503, nobody else feels it, and it passes', async (_, enter) => {
  expect((await readProfile(house.server, hit)).status).toBe(200)
  const strangers = await takeEveryPlace(await enter())
  try {
    for (let turn = 0; turn < 5; turn++) {
      const { status, body, headers } = await readProfile(house.server, hit)
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'overloaded' })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await readProfile(house.server, other)).status).toBe(200)
    }
    await moveIn(house, 'New')
  } finally {
    await Promise.all(strangers.map((stranger) => stranger.end()))
  }
  await eventually('an answer', async () => (await readProfile(house.server, hit)).status === 200)
})
