import { sql } from 'drizzle-orm'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ApiReply } from '../support/api-client.ts'
import { atOnce } from '../support/at-once.ts'
import { browse, startProvider, type TestProvider } from '../support/oidc/provider.ts'
import {
  begin,
  comeBack,
  connect,
  end,
  makeOrganization,
  redirectUri,
  type SsoOrganization,
  type SsoPlatform,
  startSsoPlatform,
} from '../support/oidc/sso.ts'
import { inTenant } from '../support/rows.ts'

let test: SsoPlatform
let provider: TestProvider
let own: SsoOrganization
beforeAll(async () => {
  test = await startSsoPlatform()
  own = await makeOrganization(test)
  provider = await startProvider(redirectUri(own.id))
  expect((await connect(test, own, provider)).status).toBe(200)
})
afterAll(async () => {
  await provider.close()
  await test.close()
})

/** Puts somebody before the provider, and lets them sign in. */
async function enter(
  subject: string,
  more: { email?: string; email_verified?: boolean } = {},
): Promise<ApiReply> {
  const email = `${subject}@${own.domain}`
  provider.people.set(subject, { email, email_verified: true, name: 'Ann Other', ...more })
  provider.atKeyboard = subject
  const begun = await begin(test, own.id)
  return await end(test, begun, await comeBack(test, own.id, await browse(begun.url, redirectUri(own.id))))
}

it('lets in who comes for the first time, as a member with the default role, and the same one again', async () => {
  const first = await enter('ann')
  expect(first, first.text).toMatchObject({
    status: 200,
    body: {
      scope: 'tenant',
      tenant_id: own.id,
      user: { email: `ann@${own.domain}`, email_verified: true, full_name: 'Ann Other', is_owner: false },
    },
  })
  expect(decodeJwt(first.body.access_token)['amr']).toEqual(['sso'])
  const me = await test.api.get('/users/me', { token: first.body.access_token, tenantId: own.id })
  expect(me).toMatchObject({ status: 200, body: { id: first.body.user.id } })
  const again = await enter('ann', { email: `another-address@${own.domain}`, email_verified: false })
  expect(again.body.user).toMatchObject({ id: first.body.user.id, email: `ann@${own.domain}` })
  const refresh = { refresh_token: again.body.refresh_token }
  expect((await test.api.post('/auth/refresh', refresh, { tenantId: own.id })).status).toBe(200)
})

it('finds the organization by the domain of an address, and says nothing about the address', async () => {
  const start = (email: string) => test.api.post('/auth/sso/start', { email })
  expect((await start(`nobody-at-all@${own.domain.toUpperCase()}`)).status).toBe(201)
  for (const email of [own.owner.email, 'x@unknown.example', 'no address', ''.padEnd(254, 'x')])
    expect(await start(email)).toMatchObject({ status: 404, body: { code: 'sso-not-configured' } })
  const url = new URL((await start(`Ann@${own.domain}`)).body.authorization_url)
  expect(url.searchParams.get('login_hint')).toBe(`Ann@${own.domain}`)
  expect(url.searchParams.get('code_challenge_method')).toBe('S256')
})

it('H8 takes a state once, and a code once, of sixteen at the same moment', async () => {
  provider.people.set('bob', { email: `bob@${own.domain}`, email_verified: true, name: 'Bob' })
  provider.atKeyboard = 'bob'
  const begun = await begin(test, own.id)
  const query = await browse(begun.url, redirectUri(own.id))
  const returned = await atOnce(16, () => comeBack(test, own.id, query))
  const [good, ...rest] = returned.toSorted((one, other) => one.status - other.status)
  expect(good?.status).toBe(200)
  for (const reply of rest)
    expect(reply).toMatchObject({ status: 400, body: { code: 'sso-attempt-invalid' } })
  const body = { attempt: begun.attempt, code: good?.body.code }
  const ended = await atOnce(16, () => test.api.post('/auth/sso/token', body))
  expect(ended.filter(({ status }) => status === 200)).toHaveLength(1)
  for (const reply of ended.filter(({ status }) => status !== 200))
    expect(reply).toMatchObject({ status: 400, body: { code: 'sso-attempt-invalid' } })
  expect(
    await inTenant(test.platform, own.id, sql`SELECT 1 FROM sso_attempts WHERE code_hash IS NOT NULL`),
  ).toEqual([])
})

it('keeps nothing in the clear that ends a sign-in, and no secret of the client', async () => {
  const begun = await begin(test, own.id)
  const rows = await inTenant(test.platform, own.id, sql`SELECT a::text AS row FROM sso_attempts a`)
  const connections = await inTenant(test.platform, own.id, sql`SELECT c::text AS row FROM sso_connections c`)
  const text = JSON.stringify([rows, connections])
  const { searchParams } = new URL(begun.url)
  const secrets = [begun.attempt, searchParams.get('state'), searchParams.get('nonce'), provider.clientSecret]
  for (const secret of secrets) expect(text).not.toContain(secret)
})

it('refuses who did not go through with it, and who was deactivated', async () => {
  const begun = await begin(test, own.id)
  const state = new URL(begun.url).searchParams.get('state') ?? ''
  const denied = await comeBack(
    test,
    own.id,
    String(new URLSearchParams({ error: 'access_denied', state, iss: provider.issuer })),
  )
  expect(denied).toMatchObject({ status: 403, body: { code: 'sso-denied' } })
  const { body } = await enter('cid')
  await test.api.post(`/members/${body.user.id}/deactivate`, {}, own.call)
  expect(await enter('cid')).toMatchObject({ status: 403, body: { code: 'sso-account-inactive' } })
})

it('two windows of one person who comes for the first time: both get in, as one', async () => {
  provider.people.set('dan', { email: `dan@${own.domain}`, email_verified: true, name: 'Dan' })
  provider.atKeyboard = 'dan'
  const begun = await Promise.all([begin(test, own.id), begin(test, own.id)])
  const returned = await Promise.all(
    begun.map(async ({ url }) => await comeBack(test, own.id, await browse(url, redirectUri(own.id)))),
  )
  const ended = await atOnce(2, (index) => {
    const body = { attempt: begun[index]?.attempt, code: returned[index]?.body.code }
    return test.api.post('/auth/sso/token', body)
  })
  expect(ended.map(({ status }) => status)).toEqual([200, 200])
  expect(new Set(ended.map(({ body }) => body.user.id)).size).toBe(1)
})

it('writes down who came how, and what failed', async () => {
  await enter('eve')
  await enter('mallory', { email: 'mallory@elsewhere.example' })
  await test.platform.repeats.settle()
  const { body } = await test.api.get('/audit?limit=100', own.call)
  const has = (action: string, details: object) =>
    expect(body.items).toContainEqual(
      expect.objectContaining({ action, details: expect.objectContaining(details) }),
    )
  has('user.logged_in', { method: 'sso' })
  has('sso.member_joined', { role: 'member' })
  has('sso.identity_linked', { at: 'sign-in' })
  has('sso.sign_in_failed', { reason: 'sso-domain-unverified' })
  has('sso.connection_changed', { enabled: true })
  has('sso.domain_verified', {})
})
