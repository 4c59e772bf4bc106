import { randomBytes } from 'node:crypto'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ApiReply, Method, SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { countCoreQueries, inCore } from '../support/rows.ts'

/** Every route and whose token it wants. A new route must be added here: the first test says so. */
const ROUTES: readonly (readonly [Method, string, 'core' | 'tenant' | 'either' | 'anyone' | 'key'])[] = [
  ['GET', '/health/live', 'anyone'],
  ['GET', '/health/ready', 'anyone'],
  ['GET', '/metrics', 'anyone'],
  ['GET', '/.well-known/jwks.json', 'anyone'],
  ['GET', '/problems', 'anyone'],
  ['GET', '/problems/{code}', 'anyone'],
  ['POST', '/api/v1/auth/register', 'anyone'],
  ['POST', '/api/v1/auth/login', 'anyone'],
  ['POST', '/api/v1/auth/refresh', 'anyone'],
  ['POST', '/api/v1/auth/password/forgot', 'anyone'],
  ['POST', '/api/v1/auth/password/reset', 'anyone'],
  ['PUT', '/api/v1/auth/password', 'either'],
  ['POST', '/api/v1/auth/email/verify', 'anyone'],
  ['POST', '/api/v1/auth/email/verification', 'either'],
  ['POST', '/api/v1/auth/email/change', 'either'],
  ['POST', '/api/v1/auth/email/change/confirm', 'anyone'],
  ['POST', '/api/v1/auth/mfa/verify', 'anyone'],
  ['GET', '/api/v1/auth/mfa', 'either'],
  ['POST', '/api/v1/auth/mfa/totp', 'either'],
  ['POST', '/api/v1/auth/mfa/totp/confirm', 'either'],
  ['DELETE', '/api/v1/auth/mfa/totp', 'either'],
  ['POST', '/api/v1/auth/mfa/recovery-codes', 'either'],
  ['POST', '/api/v1/auth/step-up', 'either'],
  ['POST', '/api/v1/auth/sso/start', 'anyone'],
  ['GET', '/api/v1/auth/sso/callback/{tenant_id}', 'anyone'],
  ['POST', '/api/v1/auth/sso/token', 'anyone'],
  ['POST', '/api/v1/auth/sso/link', 'tenant'],
  ['POST', '/api/v1/auth/sso/link/complete', 'tenant'],
  ['GET', '/api/v1/organization/sso', 'tenant'],
  ['PUT', '/api/v1/organization/sso', 'tenant'],
  ['DELETE', '/api/v1/organization/sso', 'tenant'],
  ['GET', '/api/v1/organization/domains', 'tenant'],
  ['POST', '/api/v1/organization/domains', 'tenant'],
  ['POST', '/api/v1/organization/domains/{id}/verify', 'tenant'],
  ['DELETE', '/api/v1/organization/domains/{id}', 'tenant'],
  ['POST', '/api/v1/auth/step-up/options', 'either'],
  ['POST', '/api/v1/auth/passkeys/options', 'anyone'],
  ['POST', '/api/v1/auth/passkeys/login', 'anyone'],
  ['POST', '/api/v1/auth/mfa/verify/options', 'anyone'],
  ['POST', '/api/v1/auth/mfa/passkeys/options', 'either'],
  ['POST', '/api/v1/auth/mfa/passkeys', 'either'],
  ['PATCH', '/api/v1/auth/mfa/passkeys/{id}', 'either'],
  ['DELETE', '/api/v1/auth/mfa/passkeys/{id}', 'either'],
  ['POST', '/api/v1/auth/logout', 'either'],
  ['GET', '/api/v1/auth/sessions', 'either'],
  ['DELETE', '/api/v1/auth/sessions', 'either'],
  ['DELETE', '/api/v1/auth/sessions/{id}', 'either'],
  ['POST', '/api/v1/organizations', 'core'],
  ['GET', '/api/v1/organizations/me', 'core'],
  ['GET', '/api/v1/organizations/{id}', 'core'],
  ['POST', '/api/v1/organizations/{id}/token', 'core'],
  ['POST', '/api/v1/organizations/{id}/invitations/accept', 'core'],
  ['POST', '/api/v1/invitations/accept', 'anyone'],
  ['POST', '/api/v1/invitations', 'tenant'],
  ['GET', '/api/v1/invitations', 'tenant'],
  ['POST', '/api/v1/invitations/{id}/resend', 'tenant'],
  ['DELETE', '/api/v1/invitations/{id}', 'tenant'],
  ['GET', '/api/v1/organization', 'tenant'],
  ['PATCH', '/api/v1/organization', 'tenant'],
  ['POST', '/api/v1/organization/transfer', 'tenant'],
  ['GET', '/api/v1/members', 'tenant'],
  ['GET', '/api/v1/members/{id}', 'tenant'],
  ['PATCH', '/api/v1/members/{id}', 'tenant'],
  ['DELETE', '/api/v1/members/{id}', 'tenant'],
  ['POST', '/api/v1/members/{id}/deactivate', 'tenant'],
  ['POST', '/api/v1/members/{id}/reactivate', 'tenant'],
  ['POST', '/api/v1/api-keys', 'tenant'],
  ['GET', '/api/v1/api-keys', 'tenant'],
  ['GET', '/api/v1/api-keys/{id}', 'tenant'],
  ['PATCH', '/api/v1/api-keys/{id}', 'tenant'],
  ['DELETE', '/api/v1/api-keys/{id}', 'tenant'],
  ['GET', '/api/v1/admin/runs', 'core'],
  ['POST', '/api/v1/admin/organizations/{id}/impersonation', 'core'],
  ['GET', '/api/v1/admin/impersonations', 'core'],
  ['DELETE', '/api/v1/admin/impersonations/{id}', 'core'],
  ['GET', '/api/v1/organization/impersonations', 'tenant'],
  ['DELETE', '/api/v1/organization/impersonations/{id}', 'tenant'],
  ['GET', '/api/v1/admin/audit', 'core'],
  ['GET', '/api/v1/admin/audit/export', 'core'],
  ['GET', '/api/v1/admin/runs/{id}', 'core'],
  ['GET', '/api/v1/admin/runs/{id}/events', 'core'],
  ['GET', '/scim/v2/{tenant_id}/ServiceProviderConfig', 'anyone'],
  ['GET', '/scim/v2/{tenant_id}/ResourceTypes', 'anyone'],
  ['GET', '/scim/v2/{tenant_id}/ResourceTypes/{id}', 'anyone'],
  ['GET', '/scim/v2/{tenant_id}/Schemas', 'anyone'],
  ['GET', '/scim/v2/{tenant_id}/Schemas/{id}', 'anyone'],
  ['GET', '/scim/v2/{tenant_id}/Users', 'key'],
  ['POST', '/scim/v2/{tenant_id}/Users', 'key'],
  ['GET', '/scim/v2/{tenant_id}/Users/{id}', 'key'],
  ['PUT', '/scim/v2/{tenant_id}/Users/{id}', 'key'],
  ['PATCH', '/scim/v2/{tenant_id}/Users/{id}', 'key'],
  ['DELETE', '/scim/v2/{tenant_id}/Users/{id}', 'key'],
  ['GET', '/scim/v2/{tenant_id}/Groups', 'key'],
  ['POST', '/scim/v2/{tenant_id}/Groups', 'key'],
  ['GET', '/scim/v2/{tenant_id}/Groups/{id}', 'key'],
  ['PUT', '/scim/v2/{tenant_id}/Groups/{id}', 'key'],
  ['PATCH', '/scim/v2/{tenant_id}/Groups/{id}', 'key'],
  ['DELETE', '/scim/v2/{tenant_id}/Groups/{id}', 'key'],
  ['POST', '/scim/v2/{tenant_id}/Bulk', 'key'],
  ['GET', '/api/v1/users/me', 'tenant'],
  ['GET', '/api/v1/audit', 'tenant'],
  ['GET', '/api/v1/audit/export', 'tenant'],
  ['PUT', '/api/v1/users/me', 'tenant'],
]
const GUARDED = ROUTES.filter(([, , scope]) => scope !== 'anyone' && scope !== 'key')
/** Routes for machines alone, which answer in the form of their protocol. */
const KEYED = ROUTES.filter(([, , scope]) => scope === 'key')
const OPEN = ROUTES.filter(([, , scope]) => scope === 'anyone')

let test: CheckedPlatform
let owner: SignedInUser
let member: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  member = await test.api.login(owner, tenantId)
  // So that every route has something to show.
  await inCore(test.platform, sql`UPDATE users SET is_admin = true WHERE id = ${owner.id}`)
  await inCore(
    test.platform,
    sql`INSERT INTO fleet_runs (id, kind, status, action, settings, up_to_date)
      VALUES (${tenantId}, 'up', 'finished', '{}', '{}', 0)`,
  )
})
afterAll(() => test.close())

/** A call of a route that is in order but for its token. */
async function call(method: Method, path: string, authorization?: string): Promise<ApiReply> {
  const url = path.replace('{tenant_id}', tenantId).replace('{id}', tenantId).replace('{code}', 'not-found')
  const headers = authorization === undefined ? {} : { authorization }
  return await test.api.send(method, url, method === 'GET' ? undefined : {}, { headers, tenantId })
}

/** A token that is genuine in every part but one. */
function tampered(token: string, part: 0 | 1 | 2): string {
  const parts = token.split('.')
  const text = parts[part] ?? ''
  parts[part] = `${text.slice(0, -4)}${text.slice(-4) === 'AAAA' ? 'BBBB' : 'AAAA'}`
  return parts.join('.')
}

it('A8 the table names every route of the API description, with its scope', () => {
  const scopeOf = (security: readonly string[]) => {
    const isForPeople = security.some((one) => one.endsWith('Token'))
    if (!isForPeople && security.includes('apiKey')) return 'key'
    const [scope, other] = (['core', 'tenant'] as const).filter((one) => security.includes(`${one}Token`))
    return other ? 'either' : (scope ?? 'anyone')
  }
  const documented = test.contract.routes.map(({ method, path, security }) => [
    method,
    path,
    scopeOf(security),
  ])
  expect(documented.sort()).toEqual([...ROUTES].sort())
})

describe.each(GUARDED)('%s %s', (method, path, scope) => {
  const right = () => (scope === 'core' ? owner : member)

  it('A8 asks for a token: 401', async () => {
    const reply = await call(method, path)
    expect(reply).toMatchObject({ status: 401, body: { code: 'authentication-required' } })
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="tenantry"')
  })

  it('A7 A8 refuses what is no access token: 401', async () => {
    const refused = [
      'garbage',
      'a.b.c',
      right().refreshToken,
      tampered(right().token, 0),
      tampered(right().token, 1),
      tampered(right().token, 2),
      right().token.split('.').slice(0, 2).join('.'),
      `${right().token}.${right().token}`,
    ]
    for (const token of refused) {
      const reply = await call(method, path, `Bearer ${token}`)
      expect(reply, token).toMatchObject({ status: 401, body: { code: 'invalid-token' } })
      expect(reply.headers['www-authenticate']).toBe('Bearer realm="tenantry", error="invalid_token"')
    }
  })

  it('A16 does not look at a token of 12 KB: 401', async () => {
    const reply = await call(method, path, `Bearer ${right().token}${'A'.repeat(12_288)}`)
    expect(reply).toMatchObject({ status: 401, body: { code: 'invalid-token' } })
  })
})

describe.each(GUARDED.filter(([, , scope]) => scope !== 'either'))('%s %s', (method, path, scope) => {
  const right = () => (scope === 'core' ? owner : member)
  const wrong = () => (scope === 'core' ? member : owner)

  it('A8 refuses the other kind of token: 403', async () => {
    const reply = await call(method, path, `Bearer ${wrong().token}`)
    expect(reply).toMatchObject({ status: 403, body: { code: 'insufficient-scope' } })
    expect(reply.headers['www-authenticate']).toMatch(/error="insufficient_scope"$/)
  })

  it('A8 admits the right one', async () => {
    const reply = await call(method, path, `Bearer ${right().token}`)
    // An empty body is no organization, and an organization's id no member's, but whoever hears so was let in.
    expect([200, 404, 422]).toContain(reply.status)
  })
})

it.each(KEYED)('A8 %s %s admits no token of people: 401', async (method, path) => {
  const none = await call(method, path)
  expect(none).toMatchObject({ status: 401, body: { status: '401' } })
  expect(none.headers['www-authenticate']).toBe('Bearer realm="tenantry"')
  const { token, refreshToken } = member
  for (const refused of [
    'garbage',
    'a.b.c',
    token,
    owner.token,
    refreshToken,
    tampered(token, 1),
    'A'.repeat(5000),
  ]) {
    const reply = await call(method, path, `Bearer ${refused}`)
    expect(reply, refused).toMatchObject({ status: 401, body: { status: '401' } })
    expect(reply.headers['www-authenticate']).toBe('Bearer realm="tenantry", error="invalid_token"')
  }
})

it.each(GUARDED.filter(([, , scope]) => scope === 'either'))('A8 %s %s admits both', async (method, path) => {
  for (const realm of [{}, { tenantId }]) {
    // Somebody new, because these routes end sessions.
    const { token } = await test.api.register(realm)
    const reply = await call(method, path, `Bearer ${token}`)
    // An organization's id is no session's, an empty body no password, and somebody new has no second factor, but whoever
    // hears so was let in.
    expect([200, 201, 202, 204, 404, 422]).toContain(reply.status)
  }
})

it.each(OPEN)('A8 %s %s is the same with whatever token', async (method, path) => {
  const plain = await call(method, path)
  for (const token of ['garbage', owner.token, member.token, member.refreshToken]) {
    const reply = await call(method, path, `Bearer ${token}`)
    expect(reply.status).toBe(plain.status)
    expect(reply.body?.code).toBe(plain.body?.code)
  }
})

describe('A20 the Authorization header', () => {
  it.each(['Bearer', 'bearer', 'BEARER', 'bEaReR'])('takes the scheme %s', async (scheme) => {
    expect((await call('GET', '/api/v1/users/me', `${scheme} ${member.token}`)).status).toBe(200)
  })

  it.each([
    ['another scheme', (token: string) => `Basic ${token}`],
    ['another token scheme', (token: string) => `DPoP ${token}`],
    ['no scheme', (token: string) => token],
    ['nothing', () => ''],
    ['a scheme alone', () => 'Bearer'],
    ['a scheme and a space', () => 'Bearer '],
    ['two spaces', (token: string) => `Bearer  ${token}`],
    ['a tab', (token: string) => `Bearer\t${token}`],
    ['a list', (token: string) => `Bearer ${token}, Bearer ${token}`],
    ['a list of schemes', (token: string) => `Basic x, Bearer ${token}`],
    ['something behind', (token: string) => `Bearer ${token} x`],
    ['quotes', (token: string) => `Bearer "${token}"`],
    ['a parameter', (token: string) => `Bearer token=${token}`],
    ['an invisible character', (token: string) => `Bearer \u200b${token}`],
  ])('with %s is refused: 401', async (_, spell) => {
    const reply = await call('GET', '/api/v1/users/me', spell(member.token))
    expect(reply).toMatchObject({ status: 401, body: { code: 'invalid-token' } })
  })

  it.each(['access_token', 'token', 'authorization', 'bearer_token'])(
    'is not replaced by a query, a cookie or a body: %s',
    async (name) => {
      const value = encodeURIComponent(member.token)
      const call = { tenantId, headers: { cookie: `${name}=${value}` } }
      const reply = await test.api.send('GET', `/api/v1/users/me?${name}=${value}`, undefined, call)
      expect(reply).toMatchObject({ status: 401, body: { code: 'authentication-required' } })
      const inBody = await test.api.put('/users/me', { [name]: member.token }, { tenantId })
      expect(inBody).toMatchObject({ status: 401, body: { code: 'authentication-required' } })
    },
  )
})

it('A7 an access token is no refresh token', async () => {
  for (const [user, realm] of [
    [owner, undefined],
    [member, tenantId],
  ] as const) {
    const reply = await test.api.post('/auth/refresh', { refresh_token: user.token }, { tenantId: realm })
    expect(reply).toMatchObject({ status: 401, body: { code: 'invalid-token' } })
  }
})

describe('A22 a flood of tokens with made-up keys', () => {
  async function flood(size: number, madeUpKid: () => unknown): Promise<number> {
    const [, claims, signature] = member.token.split('.')
    const forged = () => {
      const header = { alg: 'EdDSA', typ: 'at+jwt', kid: madeUpKid() }
      return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${claims}.${signature}`
    }
    const queries = countCoreQueries(test.platform)
    const before = test.platform.tenancy.connections().open
    const replies = await Promise.all(
      Array.from({ length: size }, () => call('GET', '/api/v1/users/me', `Bearer ${forged()}`)),
    )
    queries.stop()
    expect(new Set(replies.map(({ status }) => status))).toEqual(new Set([401]))
    expect(test.platform.tenancy.connections().open).toBe(before)
    expect((await call('GET', '/api/v1/users/me', `Bearer ${member.token}`)).status).toBe(200)
    return queries.count
  }

  // The process looks for new keys every 30 s by itself, and that may fall into a flood.
  it('that look like keys’ ids costs one query, and good ones still work', async () => {
    expect(await flood(300, () => randomBytes(32).toString('base64url'))).toBeLessThanOrEqual(2)
    expect(await flood(300, () => randomBytes(32).toString('base64url'))).toBeLessThanOrEqual(1)
  })

  it('A4 that do not costs none', async () => {
    expect(await flood(300, () => randomBytes(16).toString('hex'))).toBeLessThanOrEqual(1)
  })
})
