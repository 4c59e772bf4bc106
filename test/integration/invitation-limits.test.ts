import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { from, fromElsewhere } from '../support/limits.ts'
import { enter, type LinkedPerson } from '../support/people.ts'
import { inCore } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

let both: TwoProcesses
let tenantId: string
let owner: LinkedPerson
beforeAll(async () => {
  both = await startTwoProcesses({ env: { RATE_LIMITS: 'on', TRUSTED_PROXIES: '127.0.0.1' } })
  const founder = await both.one.api.register()
  tenantId = (await both.one.api.createOrganization(founder)).id
  owner = await enter(both.one, tenantId, founder)
})
afterAll(() => both.close())

it('I10 invitations of one network count over all processes, those that are sent again too', async () => {
  const here = { ...from('192.0.2.7'), token: owner.tenantToken, tenantId }
  const body = () => ({ email: `${unique('guest')}@example.com`, role: 'member' })
  const invited = await both.one.api.post('/invitations', body(), here)
  expect(invited.status).toBe(201)
  expect(invited.headers['ratelimit']).toMatch(/^"invitation";r=599;/)
  expect((await both.other.api.post('/invitations', body(), here)).headers['ratelimit']).toMatch(/;r=598;/)
  // As if the network had sent all that it may.
  await inCore(both.one.platform, sql`UPDATE throttles SET count = 600 WHERE last_attempt IS NULL`)
  const tooMany = { status: 429, body: { code: 'rate-limited' } }
  for (const { api } of [both.one, both.other]) {
    expect(await api.post('/invitations', body(), here)).toMatchObject(tooMany)
    expect(await api.post(`/invitations/${invited.body.id}/resend`, {}, here)).toMatchObject(tooMany)
  }
  const elsewhere = { ...here, ...fromElsewhere() }
  expect((await both.other.api.post('/invitations', body(), elsewhere)).status).toBe(201)
})
