import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { atOnce } from '../support/at-once.ts'
import { PRODUCTION_LIMITS } from '../support/limits.ts'
import { inCore } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

const PER_MINUTE = 30
/** Mail is on, and none arrives. */
const NOBODY_TAKES_MAIL = {
  SMTP_URL: 'smtp://127.0.0.1:1',
  MAIL_FROM: 'tenantry@example.com',
  PUBLIC_URL: 'https://example.com',
}

let both: TwoProcesses
beforeAll(async () => {
  both = await startTwoProcesses({ env: { ...PRODUCTION_LIMITS, ...NOBODY_TAKES_MAIL } })
})
afterAll(() => both.close())

it('a session is refreshed 30 times in a minute by one process; a refusal leaves its token good', async () => {
  const { api } = both.one
  const user = await api.register()
  const other = await api.register()
  let token = user.refreshToken
  for (let round = 0; round < PER_MINUTE; round++) {
    const reply = await api.post('/auth/refresh', { refresh_token: token })
    expect(reply.status).toBe(200)
    token = reply.body.refresh_token
  }
  const refused = await atOnce(5, () => api.post('/auth/refresh', { refresh_token: token }))
  for (const { status, headers } of refused) {
    expect(status).toBe(429)
    expect(headers['ratelimit-policy']).toBe('"refresh";q=30;w=60')
    expect(headers['ratelimit']).toBe(`"refresh";r=0;t=${headers['retry-after']}`)
  }
  expect((await api.post('/auth/refresh', { refresh_token: other.refreshToken })).status).toBe(200)
  // Not used up, and no reuse: another process still takes it.
  expect((await both.other.api.post('/auth/refresh', { refresh_token: token })).status).toBe(200)
})

it('a stolen token that comes again ends its session, also beyond the limit', async () => {
  const { api } = both.one
  const user = await api.register()
  let token = user.refreshToken
  for (let round = 0; round < PER_MINUTE; round++)
    token = (await api.post('/auth/refresh', { refresh_token: token })).body.refresh_token
  await inCore(both.one.platform, sql`UPDATE refresh_tokens SET used_at = used_at - interval '1 hour'`)
  expect((await api.post('/auth/refresh', { refresh_token: user.refreshToken })).status).toBe(401)
  expect((await api.get('/auth/sessions', { token: user.token })).status).toBe(401)
})

it('mails are asked for 10 times in a minute by a network, over both processes', async () => {
  const user = await both.one.api.register()
  const asked = await atOnce(24, (caller) => {
    const api = both.apiOf(caller)
    if (caller % 3 === 0) return api.post('/auth/password/forgot', { email: user.email })
    const call = { token: user.token }
    if (caller % 3 === 1) return api.post('/auth/email/verification', undefined, call)
    return api.post('/auth/email/change', { email: 'new@example.com', current_password: 'x' }, call)
  })
  const passed = asked.filter(({ status }) => status !== 429)
  expect(passed).toHaveLength(10)
  for (const { status, headers } of asked)
    if (status === 429) expect(headers['ratelimit-policy']).toBe('"mail";q=10;w=60')
})
