import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { fromElsewhere } from '../support/limits.ts'
import { enter } from '../support/people.ts'
import { realmOf, sessionOf, type TestRealm } from '../support/realms.ts'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
let realm: TestRealm
beforeAll(async () => {
  test = await startCheckedPlatform({ env: { RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.1' } })
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  realm = realmOf(test, tenantId)
})
afterAll(() => test.close())

const countLive = async (userId: string) =>
  Number(
    (
      await realm.change<{ count: string }>(sql`SELECT count(*) FROM sessions
        WHERE user_id = ${userId} AND revoked_at IS NULL AND expires_at > now()`)
    )[0]?.count,
  )

/** Gives somebody 99 more sessions, each used a day after the one before and the last one before all that is there. */
const crowd = (userId: string) =>
  realm.change(sql`INSERT INTO sessions (id, user_id, last_used_at, expires_at)
    SELECT gen_random_uuid(), ${userId}, now() - make_interval(days => 100 - n), now() + interval '1 day'
    FROM generate_series(1, 99) AS n`)

it('M8 a user has a hundred sessions at most: the one that was idle for the longest time ends', async () => {
  const person = await enter(test, tenantId, owner)
  await crowd(person.memberId)
  expect(await countLive(person.memberId)).toBe(100)
  const [idlest] = await realm.change<{ id: string }>(
    sql`SELECT id FROM sessions WHERE user_id = ${person.memberId} ORDER BY last_used_at LIMIT 1`,
  )
  const next = await enter(test, tenantId, owner)
  const signedIn = await test.api.login(owner, tenantId)
  expect(await countLive(person.memberId)).toBe(100)
  const [gone] = await realm.change<{ isOver: boolean }>(
    sql`SELECT revoked_at IS NOT NULL AS "isOver" FROM sessions WHERE id = ${idlest?.id}`,
  )
  expect(gone).toEqual({ isOver: true })
  for (const token of [person.tenantToken, next.tenantToken, signedIn.token])
    expect(await realm.isIn(token)).toBe(true)
  const { body } = await test.api.get('/audit?action=session.ended', { token: signedIn.token, tenantId })
  expect(body.items).toMatchObject(
    Array(2).fill({ target: { id: person.memberId }, details: { reason: 'crowded', sessions: 1 } }),
  )
})

it('M8 others keep theirs, and many sign-ins at once leave few more', async () => {
  const [one, two] = [await test.api.register({ tenantId }), await test.api.register({ tenantId })]
  await crowd(one.id)
  const replies = await atOnce(4, () =>
    test.api.post(
      '/auth/login',
      { email: one.email, password: one.password },
      { ...fromElsewhere(), tenantId },
    ),
  )
  expect(replies.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect(await countLive(one.id)).toBeLessThanOrEqual(104)
  await test.api.login(one, tenantId)
  expect(await countLive(one.id)).toBe(100)
  expect(await realm.isIn(two.token)).toBe(true)
  expect(sessionOf(two)).toBeDefined()
})

it('M8 a platform user exchanges so often and no more, from whatever networks, and nobody else is in its way', async () => {
  const [one, two] = [await test.api.register(), await test.api.register()]
  const exchange = async ({ token }: SignedInUser) =>
    (await test.api.post(`/organizations/${tenantId}/token`, {}, { ...fromElsewhere(), token })).status
  // Ten times as many outside production.
  const statuses: number[] = []
  for (let count = 0; count < 301; count++) statuses.push(await exchange(one))
  expect(statuses.filter((status) => status === 404)).toHaveLength(300)
  expect(statuses.at(-1)).toBe(429)
  expect(await exchange(two)).toBe(404)
})
