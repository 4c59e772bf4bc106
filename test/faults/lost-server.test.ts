import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createOrganization } from '../acceptance/support/api.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { atOnce } from '../support/at-once.ts'
import { joinIn, type Resident, readProfile } from './support/house.ts'
import type { OwnPostgres } from './support/own-postgres.ts'
import { SteadyReader } from './support/steady-reader.ts'
import {
  ask,
  FEW_CONNECTIONS,
  FIRST_ID,
  MOST_CONNECTIONS,
  SECOND_ID,
  serverOf,
  startTwoServers,
  type TwoServers,
  untilSpares,
} from './support/two-servers.ts'

/** A time-out of the server's own is longer. */
const FAST_MS = 500
const TENANTS = 3

let two: TwoServers
const onFirst: Resident[] = []
const onSecond: Resident[] = []
beforeAll(async () => {
  two = await startTwoServers({ SPARE_DATABASES: '1', ...FEW_CONNECTIONS })
  await two.add()
  while (onFirst.length < TENANTS || onSecond.length < TENANTS) {
    await untilSpares(two.house, { [FIRST_ID]: 1, [SECOND_ID]: 1 })
    const id = await create()
    const home = (await serverOf(two.house, id)) === FIRST_ID ? onFirst : onSecond
    home.push(await joinIn(two.house.server, id))
  }
  // The next one would go to the second server.
  await ask(two.house, 'UPDATE servers SET is_draining = true WHERE id = $1', [SECOND_ID])
  for (let made = 0; made < 2; made++) await create()
  await ask(two.house, 'UPDATE servers SET is_draining = false WHERE id = $1', [SECOND_ID])
}, 60_000)
afterAll(() => two?.[Symbol.asyncDispose]())

let count = 0
const create = () => createOrganization(two.house.server.url, two.house.ownerToken, `Organization ${++count}`)
const read = (resident: Resident) => readProfile(two.house.server, resident)

it('the budget of connections is each server’s own, also under load', async () => {
  const all = [...onFirst, ...onSecond]
  const countOn = (server: OwnPostgres) =>
    server.asAdmin(async (admin) => {
      const { rowCount } = await admin.query(
        "SELECT FROM pg_stat_activity WHERE datname LIKE 'tenant\\_%' AND usename <> 'postgres'",
      )
      return rowCount ?? 0
    })
  const most = { first: 0, second: 0 }
  let isOver = false
  const watching = eventually('the end of the load', async () => {
    most.first = Math.max(most.first, await countOn(two.first))
    most.second = Math.max(most.second, await countOn(two.second))
    return isOver
  })
  const replies = await atOnce(24, async (index) => {
    const statuses: number[] = []
    for (let turn = 0; turn < 30; turn++)
      statuses.push((await read(all[(index + turn) % all.length] as Resident)).status)
    return statuses
  })
  isOver = true
  await watching
  expect(new Set(replies.flat())).toEqual(new Set([200]))
  expect(most).toEqual({ first: MOST_CONNECTIONS, second: MOST_CONNECTIONS })
})

describe.each<
  readonly [
    string,
    (server: OwnPostgres) => Promise<void> | void,
    (server: OwnPostgres) => Promise<void> | void,
  ]
>([
  ['has ended', (server) => server.stop('immediate'), (server) => server.start()],
  ['is silent', (server) => server.freeze(), (server) => server.thaw()],
])('while one server %s', { timeout: 90_000 }, (_, lose, bringBack) => {
  it('its tenants hear 503 at once, the others feel nothing, and it is back without a restart', async () => {
    const before = await Promise.all([...onFirst, ...onSecond].map(read))
    expect(new Set(before.map(({ status }) => status))).toEqual(new Set([200]))
    await untilSpares(two.house, { [FIRST_ID]: 1, [SECOND_ID]: 1 })
    const readers = onFirst.map((resident) => new SteadyReader(two.house.server, resident))
    await lose(two.second)
    try {
      // Also the first, which nobody could know.
      expect(await serverOf(two.house, await create())).toBe(FIRST_ID)
      await eventually('fast refusals', async () => {
        const began = performance.now()
        const replies = await Promise.all(onSecond.map(read))
        // The first ones wait for answers, and the next ones for the places of those.
        expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([503]))
        const codes = new Set(replies.map(({ body }) => body.code))
        if (codes.size > 1 || !codes.has('database-unavailable')) return false
        return performance.now() - began < FAST_MS
      })
      const codes: string[] = []
      for (let turn = 0; turn < 20; turn++) {
        const { status, body, headers } = await read(onSecond[turn % TENANTS] as Resident)
        expect(status).toBe(503)
        expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
        codes.push(body.code)
      }
      // Whoever comes while another one tries whether it is back may be in line for the last place.
      expect(codes.filter((code) => code === 'database-unavailable').length).toBeGreaterThan(10)
      expect(new Set([...codes, 'overloaded'])).toEqual(new Set(['database-unavailable', 'overloaded']))
      for (let made = 0; made < 3; made++) expect(await serverOf(two.house, await create())).toBe(FIRST_ID)
      await untilSpares(two.house, { [FIRST_ID]: 1 })
    } finally {
      await bringBack(two.second)
      await Promise.all(readers.map((reader) => reader.stop()))
    }
    await eventually('its tenants to be served', async () => {
      const replies = await Promise.all(onSecond.map(read))
      return replies.every(({ status }) => status === 200)
    })
    for (const { statuses, slowestMs } of readers) {
      expect(Object.keys(statuses)).toEqual(['200'])
      expect(slowestMs).toBeLessThan(2_000)
    }
    await untilSpares(two.house, { [FIRST_ID]: 1, [SECOND_ID]: 1 })
    expect(await serverOf(two.house, await create())).toBe(SECOND_ID)
  })
})
