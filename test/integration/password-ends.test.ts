import { afterAll, beforeAll, expect, it } from 'vitest'
import { PASSWORD } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { tokenFor } from '../support/mailbox.ts'
import { addLinked } from '../support/people.ts'
import { sessionOf } from '../support/realms.ts'

const NEW = 'a brand new pass phrase'

let test: CheckedPlatform
let tenantId: string
const heard: { readonly payload: object; readonly tenantId?: string }[] = []
beforeAll(async () => {
  test = await startCheckedPlatform()
  tenantId = (await test.api.createOrganization(await test.api.register())).id
  test.platform.events.on('session.ended', 'test', (event) => void heard.push(event))
})
afterAll(() => test.close())

/** The sessions of a user whose end was told, each with why and where. */
async function endsOf(userId: string): Promise<unknown[]> {
  await test.platform.events.settle()
  return heard
    .map((event) => ({ ...event.payload, tenantId: event.tenantId }) as Record<string, unknown>)
    .filter((ended) => ended['userId'] === userId)
    .map(({ sessionId, reason, scope, tenantId: where }) => [sessionId, reason, scope, where])
    .sort()
}

it.each(['core', 'tenant'] as const)('each session that a password ends is told of: %s', async (scope) => {
  const realm = scope === 'tenant' ? tenantId : undefined
  const user = await test.api.register({ ...(realm !== undefined && { tenantId: realm }) })
  const elsewhere = [await test.api.login(user, realm), await test.api.login(user, realm)]
  const told = (sessions: Parameters<typeof sessionOf>[0][]) =>
    sessions.map((session) => [sessionOf(session), 'password', scope, realm]).sort()
  const body = { current_password: PASSWORD, new_password: NEW }
  expect((await test.api.put('/auth/password', body, { token: user.token, tenantId: realm })).status).toBe(
    204,
  )
  expect(await endsOf(user.id)).toEqual(told(elsewhere))
  await test.api.post('/auth/password/forgot', { email: user.email }, { tenantId: realm })
  const reset = {
    token: await tokenFor(test, user.email, 'password-reset'),
    password: 'yet another pass phrase',
  }
  expect((await test.api.post('/auth/password/reset', reset, { tenantId: realm })).status).toBe(204)
  expect(await endsOf(user.id)).toEqual(told([...elsewhere, user]))
})

it('each session in an organization that a password of the platform ends is told of there', async () => {
  const person = await addLinked(test, tenantId)
  const body = { current_password: PASSWORD, new_password: NEW }
  expect((await test.api.put('/auth/password', body, { token: person.token })).status).toBe(204)
  await test.platform.events.settle()
  const session = sessionOf({ token: person.tenantToken })
  expect(await endsOf(person.memberId)).toEqual([[session, 'password', 'tenant', tenantId]])
})
