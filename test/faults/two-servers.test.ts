import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { call, createOrganization } from '../acceptance/support/api.ts'
import { atOnce } from '../support/at-once.ts'
import { changeProfile, joinIn } from './support/house.ts'
import type { OwnPostgres } from './support/own-postgres.ts'
import {
  ask,
  FEW_CONNECTIONS,
  FIRST_ID,
  SECOND_ID,
  serverOf,
  startTwoServers,
  type TwoServers,
  untilSpares,
} from './support/two-servers.ts'

const BOTH = { [FIRST_ID]: 1, [SECOND_ID]: 1 }

let two: TwoServers
beforeAll(async () => {
  two = await startTwoServers({ SPARE_DATABASES: '1', ...FEW_CONNECTIONS })
}, 60_000)
afterAll(() => two?.[Symbol.asyncDispose]())

let count = 0
const create = () => createOrganization(two.house.server.url, two.house.ownerToken, `Organization ${++count}`)

const change = (serverId: string, how: string) =>
  ask(two.house, `UPDATE servers SET ${how} WHERE id = $1`, [serverId])

const databasesLike = (server: OwnPostgres, pattern: string): Promise<string[]> =>
  server.asAdmin(async (admin) => {
    const { rows } = await admin.query('SELECT datname FROM pg_database WHERE datname LIKE $1', [pattern])
    return rows.map(({ datname }) => datname)
  })

async function loads(): Promise<Record<string, number>> {
  const rows = await ask(two.house, 'SELECT server_id, count(*)::int AS n FROM tenants GROUP BY server_id')
  return Object.fromEntries(rows.map(({ server_id, n }) => [server_id, n]))
}

describe('where new tenants go', { timeout: 60_000 }, () => {
  it('a server that is added gets a template and spares of its own, and then the next tenants', async () => {
    for (let made = 0; made < 3; made++) expect(await serverOf(two.house, await create())).toBe(FIRST_ID)
    await two.add()
    for (let made = 0; made < 3; made++) {
      await untilSpares(two.house, BOTH)
      const id = await create()
      expect(await serverOf(two.house, id)).toBe(SECOND_ID)
      expect(await databasesLike(two.second, `tenant_${id}`)).toHaveLength(1)
      expect(await databasesLike(two.first, `tenant_${id}`)).toEqual([])
    }
    for (const server of [two.first, two.second])
      expect(await databasesLike(server, 'tenantry\\_template\\_%')).toHaveLength(1)
  })

  it('16 at once over two servers with room for 5 more: nobody gets a sixth, and the others hear 503', async () => {
    await untilSpares(two.house, BOTH)
    const { [FIRST_ID]: onFirst = 0, [SECOND_ID]: onSecond = 0 } = await loads()
    const room = { [FIRST_ID]: onFirst + 1, [SECOND_ID]: onSecond + 2 }
    for (const [id, capacity] of Object.entries(room)) await change(id, `capacity = ${capacity}`)
    const token = two.house.ownerToken
    const replies = await atOnce(16, (index) =>
      call(two.house.server.url, 'POST /organizations', { token, body: { name: `Crowd ${index}` } }),
    )
    const statuses = replies.map(({ status }) => status)
    // Two have spares, which count already. What a new spare takes of the room is not lost.
    const [{ spares }] = await ask(
      two.house,
      "SELECT count(*)::int AS spares FROM tenants WHERE status IN ('spare', 'preparing')",
    )
    expect(statuses.filter((status) => status === 201).length + spares).toBe(5)
    for (const { status, body, headers } of replies.filter(({ status }) => status !== 201)) {
      expect({ status, code: body.code }).toEqual({ status: 503, code: 'overloaded' })
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
    }
    expect(await loads()).toEqual(room)
    for (const id of Object.keys(room)) await change(id, 'capacity = NULL')
  })

  it('a server that drains gets none, and no spare; its tenants go on', async () => {
    await untilSpares(two.house, BOTH)
    const id = await create()
    const drained = await serverOf(two.house, id)
    const resident = await joinIn(two.house.server, id)
    await untilSpares(two.house, BOTH)
    await change(drained, 'is_draining = true')
    const before = (await loads())[drained]
    for (let made = 0; made < 4; made++) expect(await serverOf(two.house, await create())).not.toBe(drained)
    expect((await loads())[drained]).toBe(before)
    expect((await changeProfile(two.house.server, resident, { phone: '112' })).status).toBe(200)
    await joinIn(two.house.server, id)
    await change(drained, 'is_draining = false')
  })
})
