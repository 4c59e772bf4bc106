import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { whileHeld } from '../support/held-lock.ts'
import { enter } from '../support/people.ts'
import { inCore } from '../support/rows.ts'

let test: CheckedPlatform
beforeAll(async () => {
  test = await startCheckedPlatform()
})
afterAll(() => test.close())

it('M3 a linked sign-in whose password changes meanwhile is refused, and the audit log says so', async () => {
  const founder = await test.api.register()
  const { id: tenantId } = await test.api.createOrganization(founder)
  const owner = await enter(test, tenantId, founder)
  const { email, password } = founder
  const lock = `SELECT FROM users WHERE id = '${owner.memberId}' FOR UPDATE`
  const [reply] = await whileHeld(test, tenantId, lock, async (held) => {
    const signingIn = test.api.post('/auth/login', { email, password }, { tenantId })
    await held.waiting(1, signingIn)
    await inCore(
      test.platform,
      sql`UPDATE users SET password_hash = (SELECT password_hash || 'x' FROM users WHERE id = ${founder.id})
        WHERE id = ${founder.id}`,
    )
    return [signingIn]
  })
  expect(reply).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } })
  const call = { token: owner.tenantToken, tenantId }
  const { items } = (await test.api.get('/audit?limit=3', call)).body
  const [ended, failed, began] = items
  expect(began).toMatchObject({ action: 'user.logged_in', outcome: 'success', target: { kind: 'session' } })
  expect(failed).toMatchObject({
    action: 'user.login_failed',
    outcome: 'failure',
    target: { id: owner.memberId },
    details: { reason: 'credentials' },
  })
  expect(ended).toMatchObject({
    action: 'session.ended',
    target: began.target,
    details: { reason: 'refused', sessions: 1 },
  })
})
