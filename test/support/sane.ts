import { expect } from 'vitest'
import type { ApiExchange, ApiReply } from './api-client.ts'
import type { Contract } from './contract.ts'
import { ID } from './shapes.ts'

/** G4: what tells a stranger how the server is built, or opens it. */
const LEAKS = [
  /(\n|\\n)\s*at .+:\d+/,
  /node_modules/,
  /SQLSTATE/,
  /postgres(ql)?:\/\//,
  /\$argon2|\$2[aby]\$/,
  /eyJ[\w-]{10,}/,
  /t(r[tom]|nk)_[\w-]{10,}/,
  /\/(home|root|usr|tmp|var|work|app|src)\//,
  /Failed query|duplicate key|violates/,
]

/** What is random, and so may look like anything: a code of a sign-in, and the record of a domain. */
const RANDOM = /(trc_|tenantry-verification=)[\w-]{43}/g

/** Names that no field of an answer may have, wherever it is. */
const SECRET_FIELDS = /pass(word)?|hash|secret|salt|sealed|private|dsn|_url$/i
/** A picture's address is meant to be seen, a browser is sent to an identity provider's, a list of passkeys opens nothing, and SCIM says that it changes no passwords. */
const INNOCENT_FIELDS = new Set(['avatar_url', 'authorization_url', 'passkeys', 'changePassword'])

/** Where somebody is told the secret of an authenticator app, once. */
const isInnocent = (name: string, where: string) =>
  INNOCENT_FIELDS.has(name) ||
  (name === 'secret' && where.startsWith('POST /api/v1/auth/mfa/totp answered 201'))

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
  'content-security-policy': expect.stringContaining("default-src 'none'"),
}

/** What anybody may keep for a while. */
const CACHEABLE: Readonly<Record<string, string>> = { '/.well-known/jwks.json': 'public, max-age=300' }

/** What an address that is in no contract may answer. */
const UNROUTED = [400, 404, 405, 414]

const TELLTALE_HEADERS = ['server', 'x-powered-by', 'set-cookie', 'access-control-allow-origin']

/** Where tests put routes of their own, which no contract knows. */
export const TEST_ROUTES = '/test/'

/** The only routes whose errors are no problem+json, because RFC 7644 has a form of its own. */
export const SCIM_ROUTES = '/scim/v2/'

/** What must hold for every answer, whatever its test is about: G1 to G4, G6 to G8. */
export function expectSane(exchange: ApiExchange, contract: Contract): void {
  const { method, url, call, reply } = exchange
  const where = `${method} ${url} answered ${reply.status} ${reply.text.slice(0, 500)}`
  const route = contract.find(method, url)
  if (!call.faulty) expect(reply.status, `G8 ${where}`).toBeLessThan(500)
  if (route) expect(route.statuses, `G1 ${where}`).toContain(reply.status)
  else if (!url.startsWith(TEST_ROUTES)) expect(UNROUTED, `G1 ${where}`).toContain(reply.status)
  if (route && isJson(reply)) {
    expect(contract.complain(route, reply.status, reply.body), `G2 ${where}`).toBeUndefined()
  }
  if (reply.status >= 400) {
    if (url.startsWith(SCIM_ROUTES)) expectScimError(reply, where)
    else expectProblem(reply, contract, where)
    expectAdvice(reply, where)
  }
  expectNoLeak(reply, where)
  const cacheControl = reply.status === 200 ? CACHEABLE[url] : undefined
  expect(reply.headers, `G6 ${where}`).toMatchObject({
    ...SECURITY_HEADERS,
    ...(cacheControl !== undefined && { 'cache-control': cacheControl }),
  })
  for (const name of TELLTALE_HEADERS) expect(reply.headers, `G6 ${where}`).not.toHaveProperty(name)
  expect(reply.headers['x-request-id'] ?? '', `G7 ${where}`).toMatch(ID)
}

function expectProblem(reply: ApiReply, { problems }: Contract, where: string): void {
  const { type, status, instance, code } = reply.body ?? {}
  expect(reply.headers['content-type'], `G3 ${where}`).toBe('application/problem+json; charset=utf-8')
  expect(status, `G3 ${where}`).toBe(reply.status)
  expect(problems.get(type), `G3 ${where}`).toContain(reply.status)
  expect(type, `G3 ${where}`).toMatch(new RegExp(`/problems/${code}$`))
  expect(instance, `G7 ${where}`).toBe(`urn:uuid:${reply.headers['x-request-id']}`)
}

/** G3 of SCIM: RFC 7644, section 3.12. That nothing else is in it is said by its schema. */
function expectScimError(reply: ApiReply, where: string): void {
  expect(reply.headers['content-type'], `G3 ${where}`).toBe('application/scim+json; charset=utf-8')
  expect(reply.body, `G3 ${where}`).toMatchObject({
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(reply.status),
    detail: expect.stringMatching(/./),
  })
}

/** What a client is told to do about it. */
function expectAdvice({ status, headers, body }: ApiReply, where: string): void {
  if (status === 401 && body?.code !== 'invalid-credentials')
    expect(headers['www-authenticate'], where).toMatch(/^Bearer /)
  if (status === 503 || status === 429) expect(headers['retry-after'], where).toMatch(/^[1-9]\d*$/)
}

function expectNoLeak(reply: ApiReply, where: string): void {
  const text = (isJson(reply) ? JSON.stringify(withoutTokens(reply.body)) : reply.text).replaceAll(RANDOM, '')
  const headers = JSON.stringify({ ...reply.headers, date: '' }).replaceAll(RANDOM, '')
  for (const leak of LEAKS) expect(text + headers, `G4 ${where}`).not.toMatch(leak)
  for (const name of fieldNames(reply.body)) {
    if (!isInnocent(name, where)) expect(name, `G6 ${where}`).not.toMatch(SECRET_FIELDS)
  }
}

function isJson({ body }: ApiReply): boolean {
  return body !== undefined
}

/** Without the fields that carry tokens, where a sign-in was answered, and without public keys and the like, which are random. */
function withoutTokens(body: unknown): unknown {
  if (typeof body !== 'object' || body === null) return body
  if ('keys' in body && Array.isArray(body.keys))
    return { ...body, keys: body.keys.map((key) => ({ ...key, x: '', kid: '' })) }
  if ('challenge' in body) return { ...body, challenge: '', allowCredentials: [], excludeCredentials: [] }
  if ('key' in body && typeof body.key === 'string' && body.key.startsWith('tnk_'))
    return { ...body, key: '' }
  if ('mfa_token' in body) return { ...body, mfa_token: '' }
  if ('authorization_url' in body) return { ...body, authorization_url: '', attempt: '' }
  if (!('access_token' in body)) return body
  return { ...body, access_token: '', refresh_token: '' }
}

/** Every name in an answer, except those that users chose themselves. */
function fieldNames(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(fieldNames)
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, inner]) =>
    name === 'metadata' ? [name] : [name, ...fieldNames(inner)],
  )
}
