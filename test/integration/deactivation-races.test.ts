import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Id } from '../../src/platform/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { addLinked, enter, type LinkedPerson } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'

const ORIGIN = { device: 'Firefox on Linux', address: '192.0.2.0/24' }

let test: CheckedPlatform
let owner: LinkedPerson
let tenantId: Id
beforeAll(async () => {
  test = await startCheckedPlatform()
  const founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id as Id
  owner = await enter(test, tenantId, founder)
})
afterAll(() => test.close())

/** Waits until somebody in the organization's database waits for a lock, or has been answered. */
async function isHeldUp(reply: Promise<unknown>): Promise<void> {
  let answered = false
  const note = () => {
    answered = true
  }
  void reply.then(note, note)
  // What another role waits for is hidden in pg_stat_activity, and not in pg_locks.
  const waiting = sql`SELECT 1 FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE NOT granted AND datname = current_database()`
  const isWaiting = async () => answered || (await inTenant(test.platform, tenantId, waiting)).length > 0
  await expect.poll(isWaiting, { timeout: 10_000, interval: 10 }).toBe(true)
}

const people: readonly (readonly [string, () => Promise<SignedInUser & { memberId?: string }>])[] = [
  ['a password of one’s own', () => test.api.register({ tenantId })],
  ['the platform’s password', () => addLinked(test, tenantId)],
]

it.each(people)('H7 a sign-in with %s does not outlive a deactivation', async (_, arrive) => {
  const ann = await arrive()
  const id = ann.memberId ?? ann.id
  const { reply } = await test.platform.tenancy.withTenant(tenantId, (tenant) =>
    tenant.transaction(async (tx) => {
      await tx.orm.execute(sql`UPDATE users SET is_active = false WHERE id = ${id}`)
      const { email, password } = ann
      const signIn = test.api.post('/auth/login', { email, password }, { tenantId })
      await isHeldUp(signIn)
      return { reply: signIn }
    }),
  )
  expect(await reply).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } })
})

it('H7 a session that begins while its user is deactivated does not come back', async () => {
  const ann = await addLinked(test, tenantId)
  const by = { token: owner.tenantToken, tenantId }
  const path = `/members/${ann.memberId}`
  const { reply, sessionId } = await test.platform.tenancy.withTenant(tenantId, (tenant) =>
    tenant.transaction(async (tx) => {
      // As an exchange of a core token begins one.
      await tx.orm.execute(sql`SELECT FROM users WHERE id = ${ann.memberId} AND is_active FOR SHARE`)
      const opened = await test.platform.sessions.open(tx, ann.memberId as Id, ORIGIN)
      const deactivation = test.api.post(`${path}/deactivate`, {}, by)
      await isHeldUp(deactivation)
      return { reply: deactivation, sessionId: opened.sessionId }
    }),
  )
  expect((await reply).status).toBe(200)
  expect((await test.api.post(`${path}/reactivate`, {}, by)).status).toBe(200)
  const live = sql`SELECT FROM sessions WHERE id = ${sessionId} AND revoked_at IS NULL`
  expect(await inTenant(test.platform, tenantId, live)).toEqual([])
})
