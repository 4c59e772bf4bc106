import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SignedInUser } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { startPlatform, type TestPlatform } from '../support/platform.ts'

/** More than may be hashed and wait together, which is 66. */
const LOGINS = 200

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
  let slowest = 0
  while (!done) {
    const since = performance.now()
    // An injected request never leaves the current turn of the event loop by itself.
    await pause(10)
    expect((await test.api.send('GET', '/health/live')).status).toBe(200)
    slowest = Math.max(slowest, performance.now() - since)
  }

  for (const reply of await logins) {
    expect([200, 503]).toContain(reply.status)
    if (reply.status === 503) {
      expect(reply.body).toMatchObject({ code: 'overloaded' })
      expect(Number(reply.headers['retry-after'])).toBeGreaterThan(0)
    }
  }
  // The first refusal did not wait for those that were served.
  expect(finished.indexOf(503)).toBeGreaterThanOrEqual(0)
  expect(finished.indexOf(503)).toBeLessThan(finished.lastIndexOf(200))
  // A hash takes 30 ms; 200 of them on this thread would take seconds.
  expect(slowest).toBeLessThan(1000)
  expect((await test.api.login(user)).id).toBe(user.id)
})
