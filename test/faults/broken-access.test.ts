import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call } from '../acceptance/support/api.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { connectTo } from '../acceptance/support/running-postgres.ts'
import {
  CORE,
  changeProfile,
  type House,
  moveIn,
  type Resident,
  readiness,
  readProfile,
  startHouse,
} from './support/house.ts'

const PLACES = 22
const RESERVED_PLACES = 3

let house: House
let hit: Resident
let other: Resident
beforeAll(async () => {
  house = await startHouse({}, [
    `max_connections=${PLACES + RESERVED_PLACES}`,
    `superuser_reserved_connections=${RESERVED_PLACES}`,
  ])
  hit = await moveIn(house, 'Hit')
  other = await moveIn(house, 'Other')
})
afterAll(() => house[Symbol.asyncDispose]())

const asAdmin = (sql: string, values: unknown[] = []) =>
  house.postgres.asAdmin(async (admin) => (await admin.query(sql, values)).rows)

/** Ends every session of a database, so that the next request has to connect. */
const disconnect = (database: string) =>
  asAdmin('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [database])

/** The role that the server uses in a tenant's database. */
async function roleIn({ databaseName }: Resident): Promise<string> {
  const [row] = await asAdmin('SELECT usename FROM pg_stat_activity WHERE datname = $1', [databaseName])
  return row.usename
}

/**
 * The tenant that was hit hears 503 and when to come back, from the first request on, and soon with one of these codes:
 * what meets a connection whose end nobody has noticed yet is told that the database is unavailable.
 */
async function expectRefusal(codes: readonly string[]): Promise<void> {
  const ask = [() => readProfile(house.server, hit), () => changeProfile(house.server, hit, { phone: '112' })]
  for (const one of ask) {
    await eventually(`one of ${codes}`, async () => {
      const { status, headers, body } = await one()
      expect({ status, retryAfter: headers.get('retry-after') }).toEqual({
        status: 503,
        retryAfter: expect.stringMatching(/^[1-9]\d*$/),
      })
      return codes.includes(body.code)
    })
  }
}

/** Does damage, looks that it is noticed, and repairs it whatever was seen. */
async function whileBroken(repair: () => Promise<unknown>, look: () => Promise<void>): Promise<void> {
  try {
    await disconnect(hit.databaseName)
    await look()
  } finally {
    await repair()
  }
  await expectServed(hit)
  await expectServed(other)
}

const refusesTheOne = (codes: readonly string[]) => async () => {
  await expectRefusal(codes)
  await expectServed(other)
}

async function expectServed(resident: Resident): Promise<void> {
  await eventually(
    'to be served again',
    async () => (await readProfile(house.server, resident)).status === 200,
  )
  expect((await changeProfile(house.server, resident, { phone: '112' })).status).toBe(200)
  expect(house.server.process.ending).toBeUndefined()
}

/** Takes every place that is not the superuser's, also those that the server gets back meanwhile. */
async function fillWithGuests(): Promise<pg.Client[]> {
  const url = new URL(house.postgres.adminUrl)
  Object.assign(url, { username: 'guest', password: 'guest', pathname: '/guests' })
  const guests: pg.Client[] = []
  await eventually('every place to be taken', async () => {
    await asAdmin(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename NOT IN ('postgres', 'guest')`,
    )
    await connectTo(url.href).then(
      (guest) => guests.push(guest),
      // Full, but not of guests alone.
      (error: { code?: string }) => expect(error.code).toBe('53300'),
    )
    return guests.length === PLACES
  })
  return guests
}

describe('a tenant’s database, while others are served, and after the repair without a restart', () => {
  it('J6 that is half dropped: 503 tenant-unavailable', async () => {
    const limit = (value: number) =>
      asAdmin('UPDATE pg_database SET datconnlimit = $2 WHERE datname = $1', [hit.databaseName, value])
    const [before] = await asAdmin('SELECT datconnlimit FROM pg_database WHERE datname = $1', [
      hit.databaseName,
    ])
    await limit(-2)
    await whileBroken(() => limit(before.datconnlimit), refusesTheOne(['tenant-unavailable']))
  })

  it('J7 that may not be connected to: 503 tenant-unavailable', async () => {
    const rows = await asAdmin(
      `SELECT DISTINCT rolname FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) AS granted
       JOIN pg_roles ON pg_roles.oid = grantee WHERE datname = $1 AND privilege_type = 'CONNECT'`,
      [hit.databaseName],
    )
    const grantees = rows.map(({ rolname }) => `"${rolname}"`).join(', ')
    const change = (how: string) => asAdmin(how.replace('#', `CONNECT ON DATABASE "${hit.databaseName}"`))
    await change(`REVOKE # FROM ${grantees}`)
    await whileBroken(() => change(`GRANT # TO ${grantees}`), refusesTheOne(['tenant-unavailable']))
  })

  it('J9 that has no connection left: 503 overloaded', async () => {
    const limit = (value: number) => asAdmin(`ALTER DATABASE "${hit.databaseName}" CONNECTION LIMIT ${value}`)
    await limit(0)
    await whileBroken(() => limit(-1), refusesTheOne(['overloaded']))
  })
})

describe('the role of a tenant’s database, which works again without a restart', () => {
  /** What every tenant shares may hit the platform itself: then the answer is database-unavailable. */
  const CODES = ['tenant-unavailable', 'database-unavailable', 'overloaded']

  it.each([
    ['J7 has another password', 'PASSWORD NULL', (password: string) => `PASSWORD '${password}'`],
    ['J7 may not log in', 'NOLOGIN', () => 'LOGIN'],
    ['J9 has no connection left', 'CONNECTION LIMIT 0', () => 'CONNECTION LIMIT -1'],
  ])('%s: 503, and never 401 or 403', async (_, damage, repair) => {
    await expectServed(hit)
    const role = await roleIn(hit)
    const [{ rolpassword }] = await asAdmin('SELECT rolpassword FROM pg_authid WHERE rolname = $1', [role])
    await asAdmin(`ALTER ROLE "${role}" ${damage}`)
    await whileBroken(
      () => asAdmin(`ALTER ROLE "${role}" ${repair(rolpassword)}`),
      () => expectRefusal(CODES),
    )
  })
})

/** Draining takes ten seconds at most, and closing what does not answer a few more. */
const END_WITHIN_SECONDS = 15

describe('PostgreSQL', () => {
  it('J9 has no place left for anybody: 503, and 200 when it has', async () => {
    await asAdmin("CREATE ROLE guest LOGIN PASSWORD 'guest'")
    await asAdmin('CREATE DATABASE guests')
    const guests = await fillWithGuests()
    try {
      await expectRefusal(['overloaded', 'database-unavailable'])
      expect(await readiness(house.server)).toBe(503)
    } finally {
      await Promise.all(guests.map((guest) => guest.end()))
    }
    await expectServed(hit)
  })

  it('J8 has lost the core database alone: tenants are served or hear 503, and the probe fails', async () => {
    await expectServed(hit)
    house.proxy.impair({ refused: true }, CORE)
    await eventually('the probe to fail', async () => (await readiness(house.server)) === 503)
    for (const resident of [hit, other]) {
      const { status, body } = await readProfile(house.server, resident)
      if (status === 200) expect(body.phone).toBe('112')
      else expect(status).toBe(503)
    }
    const mine = await call(house.server.url, 'GET /organizations/me', { token: house.ownerToken })
    expect(mine).toMatchObject({ status: 503, body: { code: 'database-unavailable' } })
    house.proxy.heal()
    await eventually('the probe to pass', async () => (await readiness(house.server)) === 200)
    await expectServed(hit)
  })

  it('N5 answers nothing at all: SIGTERM ends the server within its deadline', async () => {
    house.proxy.impair({ blackHole: true })
    const asking = readProfile(house.server, hit).then(({ status }) => status)
    await eventually('the question to vanish', () => house.proxy.swallowing() > 0)
    const toldAt = performance.now()
    house.server.process.kill('SIGTERM')
    await eventually('the server to end', () => house.server.process.ending, { withinMs: 40_000 })
    expect((performance.now() - toldAt) / 1000).toBeLessThan(END_WITHIN_SECONDS)
    expect(await asking).toBe(503)
    expect(house.server.process.ending).toEqual({ code: 0, signal: null })
  })
})
