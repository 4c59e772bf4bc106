import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { createOrganization } from '../acceptance/support/api.ts'
import { eventually } from '../acceptance/support/poll.ts'
import { connectTo } from '../acceptance/support/running-postgres.ts'
import { CORE } from './support/house.ts'
import { TcpProxy } from './support/tcp-proxy.ts'
import {
  ask,
  FIRST_ID,
  SECOND_ID,
  startTwoServers,
  type TwoServers,
  untilSpares,
} from './support/two-servers.ts'

/** Where statements about databases are sent from. */
const MAINTENANCE = 'postgres'
const BOTH = { [FIRST_ID]: 1, [SECOND_ID]: 1 }

let two: TwoServers
/** Between the platform and the second server. */
let proxy: TcpProxy
beforeAll(async () => {
  two = await startTwoServers({ SPARE_DATABASES: '1' })
  proxy = await TcpProxy.before(two.second.adminUrl)
  await two.add(proxy.through(two.second.urlFor(MAINTENANCE)))
}, 60_000)
afterAll(async () => {
  await two?.[Symbol.asyncDispose]()
  await proxy?.[Symbol.asyncDispose]()
})
beforeEach(() => untilSpares(two.house, BOTH), 30_000)
afterEach(() => two.second.thaw())

/** Makes something of the spare of a server. */
const changeSpare = (serverId: string, how: string) =>
  ask(two.house, `UPDATE tenants SET ${how} WHERE server_id = $1 AND status = 'spare'`, [serverId])

const UNFINISHED = "status = 'preparing', claimed_until = now() - interval '1 second'"

/** Silences the second server in the middle of a statement about a database, once `begin` has led to one. */
async function silenceInTheMiddle(begin: () => Promise<unknown>): Promise<void> {
  const locker = await connectTo(two.second.adminUrl)
  const watcher = await connectTo(two.second.adminUrl)
  // Only a superuser may take this lock, which stops every such statement.
  await locker.query('BEGIN; LOCK TABLE pg_database IN SHARE MODE')
  await begin()
  await eventually('a statement to stand still', async () => {
    const { rowCount } = await watcher.query(
      "SELECT FROM pg_locks WHERE NOT granted AND relation = 'pg_database'::regclass",
    )
    return rowCount
  })
  two.second.freeze()
  // Given up when the server goes on.
  for (const client of [locker, watcher]) void client.end()
}

it('a server that falls silent while it makes a spare does not keep another without', async () => {
  await silenceInTheMiddle(() => changeSpare(SECOND_ID, "status = 'failed'"))
  await createOrganization(two.house.server.url, two.house.ownerToken, 'Served')
  await untilSpares(two.house, { [FIRST_ID]: 1 })
})

it('a server that falls silent while it is reconciled does not keep another from it', async () => {
  await silenceInTheMiddle(() => changeSpare(SECOND_ID, UNFINISHED))
  await changeSpare(FIRST_ID, UNFINISHED)
  await untilSpares(two.house, { [FIRST_ID]: 1 })
})

it('J11 a server whose idle connections the network has forgotten gets its next spare over new ones', async () => {
  await changeSpare(SECOND_ID, "status = 'failed'")
  await untilSpares(two.house, BOTH)
  expect(proxy.open(MAINTENANCE)).toBeGreaterThan(0)
  proxy.forget(MAINTENANCE)
  await changeSpare(SECOND_ID, "status = 'failed'")
  await untilSpares(two.house, BOTH)
})

it('a process starts soon also while one server is silent', async () => {
  two.second.freeze()
  const began = performance.now()
  const { TENANTRY_SECRET } = two
  const another = await two.house.place.serve({
    DATABASE_URL: two.first.urlFor(CORE),
    SPARE_DATABASES: '0',
    TENANTRY_SECRET,
  })
  expect(performance.now() - began).toBeLessThan(20_000)
  await createOrganization(another.url, two.house.ownerToken, 'Served by another')
  expect(await another.stop()).toBe(0)
})
