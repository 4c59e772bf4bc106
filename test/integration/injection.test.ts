import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiReply, PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let member: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  member = await test.api.login(owner, tenantId)
})
afterAll(() => test.close())

const PAYLOADS = [
  "'; DROP TABLE users; --",
  "' OR '1'='1",
  '"; DROP DATABASE postgres; --',
  "x'); SELECT pg_sleep(10); --",
  "' UNION SELECT password_hash FROM users --",
  '$1; $$ SELECT 1 $$',
  "E'\\'; UPDATE users SET is_owner = true; --",
  '%_% /* */ -- # \\',
] as const

/** Everything that an injection would change. */
async function fingerprint(): Promise<unknown> {
  const tables = sql`SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1`
  const owners = sql`SELECT count(*)::int AS owners FROM users WHERE is_owner`
  return [
    await inCore(test.platform, tables),
    await inTenant(test.platform, tenantId, tables),
    await inTenant(test.platform, tenantId, owners),
  ]
}

describe.each(PAYLOADS)('E1 %j', (text) => {
  it('is a text like any other, in every field, header and path', async () => {
    const before = await fingerprint()
    const core = { token: owner.token }
    const inside = { token: member.token, tenantId }
    const escaped = encodeURIComponent(text)
    const email = `${unique('sql')}@example.com`
    const answers: [ApiReply, ...number[]][] = [
      [await test.api.post('/auth/register', { email: text, password: PASSWORD }), 422],
      [await test.api.post('/auth/login', { email: text, password: PASSWORD }), 401, 422],
      [await test.api.post('/auth/login', { email: owner.email, password: `${text}!` }), 401],
      [await test.api.post('/auth/refresh', { refresh_token: text }), 401],
      [
        await test.api.post('/auth/register', { email, password: `${text} long enough`, full_name: text }),
        201,
      ],
      [await test.api.post('/auth/login', { email, password: `${text} long enough` }), 200],
      [await test.api.post('/auth/login', { email, password: PASSWORD }, { tenantId: text }), 400],
      [await test.api.post('/organizations', { name: 'SQL', slug: text }, core), 422],
      [await test.api.get(`/organizations/${escaped}`, core), 422],
      [await test.api.get(`/organizations/me?sort=${escaped}&limit=${escaped}`, core), 200],
      [await test.api.get('/users/me', { ...inside, headers: { 'x-request-id': text, cookie: text } }), 200],
      [await test.api.get('/users/me', { ...inside, tenantId: text }), 400],
      [await test.api.put('/users/me', { phone: text }, inside), 422],
      [await test.api.put('/users/me', { avatar_url: `https://example.com/${text}` }, inside), 200, 422],
      [await test.api.put('/users/me', { [text]: text }, inside), 422],
      [await test.api.put('/users/me', { full_name: text, metadata: { [text]: text } }, inside), 200],
    ]
    for (const [reply, ...statuses] of answers) expect(statuses, reply.text).toContain(reply.status)
    const me = await test.api.get('/users/me', inside)
    expect(me.body).toMatchObject({ full_name: text, metadata: { [text]: text }, phone: null })
    expect(await fingerprint()).toEqual(before)
  })
})

it('E5 what users write cannot make or change a log line', async () => {
  const forged = 'Ann\n{"level":60,"msg":"forged","tenant_id":"forged"}\r\n","msg":"forged","x":"\u2028'
  test.platform.events.on('user.registered', 'logs a text', () => test.platform.log.info({ forged }, forged))
  await test.api.register({ fullName: forged })
  const { token } = owner
  await test.api.post('/organizations', { name: forged, slug: unique('log') }, { token })
  await test.api.put('/users/me', { metadata: { [forged]: forged } }, { token: member.token, tenantId })
  await test.api.get('/users/me', { headers: { 'x-request-id': 'forged', 'user-agent': 'forged' } })
  await test.platform.events.settle()
  expect(test.logged.some(({ msg }) => msg === forged)).toBe(true)
  for (const line of test.logged) {
    expect(line.text.trimEnd().split(/[\r\n]/)).toHaveLength(1)
    expect(line.msg).not.toBe('forged')
    expect(line.request_id).not.toBe('forged')
    expect(line.tenant_id).not.toBe('forged')
    expect(line['level']).not.toBe(60)
  }
})

it('E6 no header of an answer repeats what was sent', async () => {
  const mark = 'marked-by-the-client'
  const headers = {
    'x-request-id': mark,
    origin: `https://${mark}.example`,
    'x-forwarded-host': `${mark}.example`,
    'user-agent': mark,
    referer: `https://${mark}.example`,
  }
  const core = { token: owner.token, headers }
  const replies = [
    await test.api.post('/organizations', { name: mark, slug: unique(mark) }, core),
    await test.api.post('/organizations', { name: mark, slug: `${mark}\r\nset-cookie: a=b` }, core),
    await test.api.get(`/organizations/${mark}?next=${mark}`, core),
    await test.api.get('/organizations/me', { token: mark, headers }),
    await test.api.get('/users/me', { token: member.token, tenantId: mark, headers }),
    await test.api.send('GET', `/${mark}`, undefined, { headers }),
  ]
  expect(replies.map(({ status }) => status)).toEqual([201, 422, 422, 401, 400, 404])
  for (const reply of replies) {
    expect(JSON.stringify(reply.headers)).not.toContain(mark)
    expect(reply.text.includes(mark)).toBe(reply.status === 201)
  }
  const { id } = replies[0]?.body ?? {}
  expect(replies[0]?.headers['location']).toBe(`/api/v1/organizations/${id}`)
})
