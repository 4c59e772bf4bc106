import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { inTenant } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const WRITERS = 8

/** One person who has the application open twice, at two processes. */
let two: TwoProcesses
let one: CheckedPlatform
let tenantId: string
let ann: SignedInUser
beforeAll(async () => {
  two = await startTwoProcesses()
  ;({ one } = two)
  tenantId = (await one.api.createOrganization(await one.api.register())).id
  ann = await one.api.register({ tenantId })
})
afterAll(() => two.close())

const read = () => one.api.get('/users/me', { token: ann.token, tenantId })
const tagOf = ({ headers }: ApiReply) => headers['etag'] ?? ''

/** One writer's change of every field: what is stored later is all of it or nothing. */
const writing = (writer: string) => ({
  full_name: writer,
  phone: `+${writer.length} 112`,
  avatar_url: `https://example.com/${writer}`,
  metadata: { writer },
})

const write = (index: number, changes: object, ifMatch?: string) =>
  two.apiOf(index).put('/users/me', changes, {
    token: ann.token,
    tenantId,
    ...(ifMatch !== undefined && { headers: { 'if-match': ifMatch } }),
  })

const countUpdates = () => two.countEvents('tenant_user.updated', 'userId', ann.id)

/** Exactly one won; what it heard is what is stored, and everybody else changed nothing. */
async function expectOneWinner(replies: readonly ApiReply[]): Promise<void> {
  const winners = replies.filter(({ status }) => status === 200)
  expect(winners).toHaveLength(1)
  for (const { status, body } of replies)
    if (status !== 200)
      expect({ status, code: body.code }).toEqual({ status: 412, code: 'precondition-failed' })
  const now = await read()
  expect(now.body).toEqual(winners[0]?.body)
  expect(tagOf(now)).toBe(winners[0] && tagOf(winners[0]))
}

/** Gives what `work` gives, which was begun while Ann's row was held, and came to wait for it so many times. */
async function behindHeldRow<T>(waiting: number, work: () => Promise<T>): Promise<T> {
  const record = await one.platform.tenancy.find(tenantId)
  if (!record) throw new Error('the organization is gone')
  const begun = await one.platform.tenancy.maintain(record, async (connection) => {
    await connection.query('BEGIN')
    await connection.query('SELECT FROM users WHERE id = $1 FOR UPDATE', [ann.id])
    const result = work()
    // What another role's session waits for, only the locks themselves tell.
    const rows = sql`SELECT FROM pg_stat_activity WHERE datname = current_database() AND pg_blocking_pids(pid) <> '{}'`
    const blocked = async () => (await inTenant(one.platform, tenantId, rows)).length
    await expect.poll(blocked, { timeout: 10_000 }).toBe(waiting)
    await connection.query('COMMIT')
    return { result }
  })
  return await begun.result
}

describe('H11 writers who have read the same profile', () => {
  it.each(Array.from({ length: 5 }, (_, round) => round + 1))(
    'and begin at one moment in two processes: one wins, the rest hears 412, and no field is mixed (round %i)',
    async () => {
      const tag = tagOf(await read())
      const before = await countUpdates()
      await expectOneWinner(await atOnce(WRITERS, (index) => write(index, writing(unique('writer')), tag)))
      expect(await countUpdates()).toBe(before + 1)
    },
  )

  it('and all come to the row before anybody has changed it: one wins', async () => {
    const tag = tagOf(await read())
    const begin = () => atOnce(2, (index) => write(index, writing(unique('writer')), tag))
    await expectOneWinner(await behindHeldRow(2, begin))
  })

  it('lose against one who does not look', async () => {
    const tag = tagOf(await read())
    const blind = await write(0, writing(unique('blind')))
    expect(blind.status).toBe(200)
    expect((await write(1, writing(unique('late')), tag)).status).toBe(412)
    expect((await read()).body).toEqual(blind.body)
    expect((await write(1, { phone: null }, tagOf(blind))).status).toBe(200)
  })

  it('all win where nobody looks, the last one in every field', async () => {
    const replies = await atOnce(WRITERS, (index) => write(index, writing(unique('blind'))))
    for (const { status } of replies) expect(status).toBe(200)
    expect(replies.map(({ body }) => body)).toContainEqual((await read()).body)
  })
})
