import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, type SignedInUser, unique } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { breakBirths, claimForAnother, healBirths, orphans } from '../support/births.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { inCore } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const CALLERS = 16
const ROUNDS = Array.from({ length: 10 }, (_, round) => round + 1)

let two: TwoProcesses
let one: CheckedPlatform
let other: CheckedPlatform
let ann: SignedInUser
beforeAll(async () => {
  two = await startTwoProcesses()
  ;({ one, other } = two)
  ann = await one.api.register()
  await one.platform.tenancy.prepare()
})
afterAll(() => two.close())

const create = (index: number, owner: SignedInUser, key: string, body: object, faulty = false) =>
  two.apiOf(index).post('/organizations', body, {
    token: owner.token,
    headers: { 'idempotency-key': key },
    faulty,
  })

const isReplay = ({ headers }: ApiReply) => headers['idempotent-replayed'] === 'true'
const isConflict = ({ body }: ApiReply) => body.code === 'idempotency-conflict'

/** One answer came first; all others of 201 repeat it, the rest is told to come back, and whoever does gets it too. */
async function expectOne(replies: readonly ApiReply[], key: string, body: object): Promise<string> {
  const done = replies.filter(({ status }) => status === 201)
  const [first] = done.filter((reply) => !isReplay(reply))
  expect(done.filter((reply) => !isReplay(reply))).toHaveLength(1)
  for (const reply of done) expect(reply.text).toBe(first?.text)
  for (const reply of replies.filter(({ status }) => status !== 201)) {
    expect(reply).toMatchObject({ status: 409, body: { code: 'idempotency-conflict' } })
    expect(reply.headers['retry-after']).toBe('1')
  }
  for (const index of [0, 1]) {
    const again = await create(index, ann, key, body)
    expect(again).toMatchObject({ status: 201, text: first?.text })
    expect(isReplay(again)).toBe(true)
  }
  const { id } = first?.body ?? {}
  await expectWhole(id, key)
  return id
}

/** The key's organization is the only one that was made, and the news of it was told once. */
async function expectWhole(id: string, key: string): Promise<void> {
  const rows = sql`SELECT organization_id AS id FROM organization_requests WHERE key = ${key}`
  expect(await inCore(one.platform, rows)).toEqual([{ id }])
  expect(await two.countEvents('organization.created', 'organizationId', id)).toBe(1)
  expect(await orphans(one.platform)).toEqual([])
}

const countOrganizations = async () => (await inCore(one.platform, sql`SELECT FROM organizations`)).length

/** A request that failed, and whose organization another process may take up at once. */
async function abandon() {
  const [key, name] = [unique('key'), unique('Abandoned')]
  breakBirths(one.platform)
  expect((await create(0, ann, key, { name }, true)).status).toBe(500)
  healBirths(one.platform)
  const [row] = await inCore<{ id: string }>(
    one.platform,
    sql`SELECT id FROM organizations WHERE name = ${name}`,
  )
  const id = row?.id ?? ''
  await claimForAnother(one.platform, id, 'dead')
  return { id, key, name }
}

describe('H3 16 requests with one key in two processes', () => {
  it.each(ROUNDS)('make one organization, and the others wait or repeat (round %i)', async (round) => {
    const key = unique('key')
    const slug = round % 2 === 0 ? undefined : unique('race')
    const body = { name: unique('Race'), slug }
    const before = await countOrganizations()
    const replies = await atOnce(CALLERS, (index) => create(index, ann, key, body))
    await expectOne(replies, key, body)
    expect(await countOrganizations()).toBe(before + 1)
  })

  it.each([1, 2, 3])('finish the one that failed before (round %i)', async () => {
    const { id, key, name } = await abandon()
    const before = await countOrganizations()
    const replies = await atOnce(CALLERS, (index) => create(index, ann, key, { name }))
    expect(await expectOne(replies, key, { name })).toBe(id)
    expect(await countOrganizations()).toBe(before)
  })

  it('of six users make one organization for each', async () => {
    const [key, name] = [unique('key'), unique('Six')]
    const owners = await Promise.all(Array.from({ length: 6 }, () => one.api.register()))
    const replies = await atOnce(6, (index) => create(index, owners[index] as SignedInUser, key, { name }))
    expect(replies.map(({ status, body }) => [status, body.owner_id])).toEqual(
      owners.map(({ id }) => [201, id]),
    )
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(6)
  })
})

describe('H4 16 requests with one key and two bodies in two processes', () => {
  it.each(ROUNDS)('make one organization; the other body is refused (round %i)', async () => {
    const key = unique('key')
    const bodies = [{ name: unique('This') }, { name: unique('That'), slug: unique('that') }] as const
    const bodyOf = (index: number) => bodies[(index >> 1) % 2] as (typeof bodies)[number]
    const before = await countOrganizations()
    const replies = await atOnce(CALLERS, (index) => create(index, ann, key, bodyOf(index)))
    const winner = replies.find(({ status }) => status === 201)?.body.name
    expect(bodies.map(({ name }) => name)).toContain(winner)
    const same = replies.filter((_, index) => bodyOf(index).name === winner)
    await expectOne(same, key, { ...bodies.find(({ name }) => name === winner) })
    for (const reply of replies.filter((_, index) => bodyOf(index).name !== winner))
      expect(reply).toMatchObject({ status: 422, body: { code: 'idempotency-mismatch' } })
    expect(await countOrganizations()).toBe(before + 1)
  })
})

describe('H15 the reconcilers of two processes and the owner’s repeats', () => {
  it.each([1, 2, 3])('that come at once finish each organization once (round %i)', async () => {
    const abandoned = [await abandon(), await abandon(), await abandon()]
    const before = await countOrganizations()
    const [replies] = await Promise.all([
      atOnce(6, async (index) => {
        const { key, name } = abandoned[index % 3] as (typeof abandoned)[number]
        return await create(index, ann, key, { name })
      }),
      one.platform.tenancy.reconcile(),
      other.platform.tenancy.reconcile(),
    ])
    for (const reply of replies) expect(reply.status === 201 || isConflict(reply)).toBe(true)
    for (const { id, key, name } of abandoned) {
      expect(await create(1, ann, key, { name })).toMatchObject({ status: 201, body: { id } })
      await expectWhole(id, key)
    }
    expect(await countOrganizations()).toBe(before)
  })
})
