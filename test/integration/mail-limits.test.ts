import { afterAll, beforeAll, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { mailsTo } from '../support/mailbox.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

/** Five in an hour, and ten times as many outside production. */
const LIMIT = 50

let both: TwoProcesses
let tenantId: string
beforeAll(async () => {
  both = await startTwoProcesses({ env: { RATE_LIMITS: 'on' } })
  tenantId = (await both.one.api.createOrganization(await both.one.api.register())).id
})
afterAll(() => both.close())

it('I10 one mailbox gets so many mails of a kind in an hour, however it is spelt, whoever asks and where', async () => {
  const name = unique('ann').replaceAll('-', '')
  const spellings = [`${name}@example.com`, `${name}+tag@example.com`, `a.${name.slice(1)}@example.com`]
  for (const email of spellings) {
    await both.one.api.register({ email })
    await both.one.api.register({ email, tenantId })
  }
  for (let round = 0; round < LIMIT + 12; round++) {
    const body = { email: spellings[round % 3] }
    const realm = round % 4 < 2 ? undefined : tenantId
    const reply = await both.apiOf(round).post('/auth/password/forgot', body, { tenantId: realm })
    expect(reply).toMatchObject({ status: 202, body: { status: 'accepted' } })
  }
  const kept = await Promise.all(
    [both.one, both.other].flatMap((process) => spellings.map((email) => mailsTo(process, email))),
  )
  const kinds = kept.flat().map(({ kind }) => kind)
  expect(kinds.filter((kind) => kind === 'password-reset')).toHaveLength(LIMIT)
  // Another kind has a limit of its own.
  expect(kinds.filter((kind) => kind === 'email-verification')).toHaveLength(6)
})

it('I10 a mail too many leaves the link of the one before as it was', async () => {
  const user = await both.one.api.register()
  for (let round = 0; round < LIMIT; round++)
    await both.one.api.post('/auth/password/forgot', { email: user.email })
  const [last] = await mailsTo(both.one, user.email)
  expect(last?.kind).toBe('password-reset')
  // By another process, whose requests this network has not used up.
  await both.other.api.post('/auth/password/forgot', { email: user.email })
  expect(await mailsTo(both.other, user.email)).toEqual([])
  const body = { token: last?.token, password: 'a brand new pass phrase' }
  expect((await both.one.api.post('/auth/password/reset', body)).status).toBe(204)
})
