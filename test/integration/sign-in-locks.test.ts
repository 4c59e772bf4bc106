import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { fromElsewhere } from '../support/limits.ts'
import { tokenFor } from '../support/mailbox.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform({
    env: { RATE_LIMITS: 'on', SPARE_DATABASES: '0', TRUSTED_PROXIES: '127.0.0.1' },
  })
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())
beforeEach(async () => void (await inCore(test.platform, sql`DELETE FROM throttles`)))

const wrong = 'not the password at all'

const login = (email: string, realm?: string, password = wrong) =>
  test.api.post('/auth/login', { email, password }, { ...fromElsewhere(), tenantId: realm })

/** Makes every account that somebody tried one that was tried 100 times, and 1,000 times outside production. */
async function lockAll(): Promise<void> {
  await inCore(
    test.platform,
    sql`UPDATE throttles SET count = 1000, blocked_until = now() + interval '1 hour', expires_at = now() + interval '1 hour'
      WHERE last_attempt IS NOT NULL`,
  )
}

async function lock(email: string, realm?: string): Promise<void> {
  expect((await login(email, realm)).status).toBe(401)
  await lockAll()
  expect((await login(email, realm, PASSWORD)).status).toBe(429)
}

async function resetPassword(email: string, realm?: string): Promise<string> {
  const password = 'a brand new pass phrase'
  const call = { tenantId: realm }
  expect((await test.api.post('/auth/password/forgot', { email }, call)).status).toBe(202)
  const token = await tokenFor(test, email, 'password-reset')
  expect((await test.api.post('/auth/password/reset', { token, password }, call)).status).toBe(204)
  await test.platform.events.settle()
  return password
}

/** An answer without what differs from one request to the next; a second may pass between two of them. */
function comparable({ status, headers, text }: ApiReply): string {
  const id = headers['x-request-id'] ?? ''
  return JSON.stringify({ status, headers: { ...headers, date: '' }, text })
    .replaceAll(id, 'ID')
    .replaceAll(/\b3(600|59\d|58\d)\b/g, 'LEFT')
}

it('F1 F9 a locked account answers the same, byte by byte and with the same headers, whether it is there, disabled or unknown', async () => {
  const member = await test.api.register({ tenantId })
  const [off, memberOff] = [await test.api.register(), await test.api.register({ tenantId })]
  await inCore(test.platform, sql`UPDATE users SET is_active = false WHERE id = ${off.id}`)
  await inTenant(test.platform, tenantId, sql`UPDATE users SET is_active = false WHERE id = ${memberOff.id}`)
  const people: readonly (readonly [string, string, string?])[] = [
    ['unknown', `${unique('x')}@example.com`],
    ['no address', 'not an address'],
    ['known', (await test.api.register()).email],
    ['disabled', off.email],
    ['unknown in a tenant', `${unique('x')}@example.com`, tenantId],
    ['known in a tenant', member.email, tenantId],
    ['disabled in a tenant', memberOff.email, tenantId],
    ['linked', owner.email, tenantId],
  ]
  const before: ApiReply[] = []
  for (const [, email, realm] of people) before.push(await login(email, realm))
  await lockAll()
  const after: ApiReply[] = []
  for (const [, email, realm] of people) after.push(await login(email, realm, PASSWORD))
  for (const [index, [who]] of people.entries()) {
    expect(comparable(before[index] as ApiReply), who).toBe(comparable(before[0] as ApiReply))
    expect(comparable(after[index] as ApiReply), who).toBe(comparable(after[0] as ApiReply))
  }
  expect(before[0]?.status).toBe(401)
  expect(after[0]).toMatchObject({ status: 429, body: { code: 'rate-limited' } })
  expect(Number(after[0]?.headers['retry-after'])).toBeGreaterThan(3_500)
})

it('what the core database keeps names nobody: no address, no network', async () => {
  const { email } = await test.api.register()
  await login(email)
  const rows = await inCore<{ key: string }>(test.platform, sql`SELECT * FROM throttles`)
  expect(rows.length).toBeGreaterThanOrEqual(2)
  for (const { key } of rows) expect(key).toMatch(/^[\w-]{43}$/)
})

it('H10 a platform’s password is guessed no more often in many organizations than in one', async () => {
  const linked = await test.api.register()
  const [{ id: a }, { id: b }] = [
    await test.api.createOrganization(linked),
    await test.api.createOrganization(linked),
  ]
  const inB = await test.api.login(linked, b)
  await lock(linked.email, a)
  expect(await login(linked.email, b, PASSWORD)).toMatchObject({
    status: 429,
    body: { code: 'rate-limited' },
  })
  // Neither the platform nor who is signed in is locked out by it.
  expect((await login(linked.email, undefined, PASSWORD)).status).toBe(200)
  const change = (tenantId: string | undefined, token: string, current_password: string) =>
    test.api.post(
      '/auth/email/change',
      { email: `${unique('new')}@example.com`, current_password },
      { ...fromElsewhere(), tenantId, token },
    )
  expect((await change(b, inB.token, wrong)).status).toBe(401)
  await lockAll()
  expect((await change(undefined, linked.token, PASSWORD)).status).toBe(429)
})

describe('a lock of an account', () => {
  it('holds for however the address is written, and for its own realm alone', async () => {
    const { email } = await test.api.register()
    await test.api.register({ email, tenantId })
    await lock(email)
    expect((await login(email.toUpperCase(), undefined, PASSWORD)).status).toBe(429)
    expect((await login(email, tenantId, PASSWORD)).status).toBe(200)
  })

  it('stops no session, no refresh and no forgotten password', async () => {
    const user = await test.api.register({ tenantId })
    await lock(user.email, tenantId)
    const call = { token: user.token, tenantId }
    expect((await test.api.get('/users/me', call)).status).toBe(200)
    const refreshed = await test.api.post('/auth/refresh', { refresh_token: user.refreshToken }, { tenantId })
    expect(refreshed.status).toBe(200)
    const password = await resetPassword(user.email, tenantId)
    expect((await login(user.email, tenantId, password)).status).toBe(200)
  })

  it('ends with a reset of the password', async () => {
    const { email } = await test.api.register()
    await lock(email)
    const password = await resetPassword(email)
    expect((await login(email, undefined, password)).status).toBe(200)
    // And the failures before it count no more.
    expect((await login(email)).status).toBe(401)
    expect((await login(email, undefined, password)).status).toBe(200)
  })

  it('of a linked user ends with a reset of the platform’s password', async () => {
    const linked = await test.api.register()
    const { id } = await test.api.createOrganization(linked)
    await lock(linked.email, id)
    const password = await resetPassword(linked.email)
    expect((await login(linked.email, id, password)).status).toBe(200)
  })

  it('ends with a change of the password by who is signed in', async () => {
    const user = await test.api.register()
    await lock(user.email)
    const body = { current_password: PASSWORD, new_password: 'another good pass phrase' }
    expect((await test.api.put('/auth/password', body, { token: user.token })).status).toBe(204)
    expect((await login(user.email, undefined, body.new_password)).status).toBe(200)
  })
})

it('the current password is guessed no faster with a token than without', async () => {
  const user = await test.api.register()
  const change = (current: string) =>
    test.api.put(
      '/auth/password',
      { current_password: current, new_password: 'another good pass phrase' },
      { ...fromElsewhere(), token: user.token },
    )
  expect((await change(wrong)).status).toBe(401)
  await lockAll()
  expect((await change(PASSWORD)).status).toBe(429)
  const email = { email: `${unique('new')}@example.com`, current_password: PASSWORD }
  expect((await test.api.post('/auth/email/change', email, { token: user.token })).status).toBe(429)
  const proof = { password: PASSWORD }
  expect((await test.api.post('/auth/step-up', proof, { token: user.token })).status).toBe(429)
  // Somebody who has a token locks nobody out.
  expect((await login(user.email, undefined, PASSWORD)).status).toBe(200)
})
