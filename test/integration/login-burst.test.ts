import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'

/** More than may be hashed and wait together, which is 66. */
const LOGINS = 120

let test: TestPlatform
let user: SignedInUser
beforeAll(async () => {
  test = await startPlatform()
  user = await test.api.register()
})
afterAll(() => test.close())

it('I1 refuses at once the sign-ins that do not fit, while health stays answered', async () => {
  const { email, password } = user
  const finished: number[] = []
  let done = false
  const logins = atOnce(LOGINS, async () => {
    const reply = await test.api.post('/auth/login', { email, password }, { faulty: true })
    finished.push(reply.status)
    return reply
  }).finally(() => {
    done = true
  })
  let answers = 0
  while (!done) {
    // An injected request never leaves the current turn of the event loop by itself.
    await pause(10)
    expect((await test.api.send('GET', '/health/live')).status).toBe(200)
    answers++
  }

  const replies = await logins
  const refused = replies.filter(({ status }) => status === 503)
  for (const { status } of replies) expect([200, 503]).toContain(status)
  for (const { headers } of refused) expect(Number(headers['retry-after'])).toBeGreaterThan(0)
  expect(refused.map(({ body }) => body.code)).toContain('overloaded')
  // The first refusal did not wait for those that were served.
  expect(finished.indexOf(503)).toBeGreaterThanOrEqual(0)
  expect(finished.indexOf(503)).toBeLessThan(finished.lastIndexOf(200))
  // Two hashes at a time take a second for all; on the thread of the requests nothing else would run meanwhile.
  expect(answers).toBeGreaterThan(3)
  expect((await test.api.login(user)).id).toBe(user.id)
})
