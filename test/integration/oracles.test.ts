import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ApiExchange, type ApiReply, createApiClient, PASSWORD, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { expectSane } from '../support/sane.ts'

/** A real sign-up and a real refusal, to be spoilt. */
let test: CheckedPlatform
let success: ApiExchange
let refusal: ApiExchange
beforeAll(async () => {
  test = await startCheckedPlatform()
  const seen: ApiExchange[] = []
  const api = createApiClient(test.app, (exchange) => void seen.push(exchange))
  await api.post('/auth/register', { email: `${unique('ann')}@example.com`, password: PASSWORD })
  await api.get('/organizations/me')
  ;[success, refusal] = seen as [ApiExchange, ApiExchange]
})
afterAll(() => test.close())

/** The same exchange with another reply; the body and its text stay equal. */
function spoilt(exchange: ApiExchange, change: Partial<ApiReply>): ApiExchange {
  const reply = { ...exchange.reply, ...change }
  return { ...exchange, reply: { ...reply, text: change.text ?? JSON.stringify(reply.body) } }
}

const withBody = (exchange: ApiExchange, change: object) =>
  spoilt(exchange, { body: { ...exchange.reply.body, ...change } })
const withHeader = (exchange: ApiExchange, name: string, value: string) =>
  spoilt(exchange, { headers: { ...exchange.reply.headers, [name]: value } })

function without(exchange: ApiExchange, name: string): ApiExchange {
  const { [name]: _, ...headers } = exchange.reply.headers
  return spoilt(exchange, { headers })
}

describe('the checks of every answer', () => {
  it('accept what is in order', () => {
    for (const exchange of [success, refusal]) expect(() => expectSane(exchange, test.contract)).not.toThrow()
  })

  it.each<readonly [string, string, () => ApiExchange]>([
    ['G1', 'an undocumented status', () => spoilt(success, { status: 200 })],
    ['G2', 'a missing field', () => withBody(success, { scope: undefined })],
    ['G2', 'a field of another type', () => withBody(success, { expires_in: '600' })],
    ['G2', 'a field that nobody documented', () => withBody(success, { extra: 1 })],
    ['G3', 'a status in the body that differs', () => withBody(refusal, { status: 403 })],
    ['G3', 'an unknown type', () => withBody(refusal, { type: 'https://tenantry.dev/problems/new' })],
    [
      'G3',
      'a type of another status',
      () => withBody(refusal, { type: 'https://tenantry.dev/problems/not-found' }),
    ],
    ['G3', 'plain JSON for an error', () => withHeader(refusal, 'content-type', 'application/json')],
    ['G4', 'a stack', () => withBody(refusal, { detail: 'Error: x\n    at run (file:12:3)' })],
    ['G4', 'a connection string', () => withBody(refusal, { detail: 'postgres://user@host/db' })],
    ['G4', 'a hash', () => withBody(refusal, { detail: '$argon2id$v=19$' })],
    ['G4', 'a path', () => withBody(refusal, { detail: 'in /home/node/x.ts' })],
    [
      'G4',
      'a token outside of its field',
      () => withBody(refusal, { detail: success.reply.body.access_token }),
    ],
    ['G4', 'a token in a header', () => withHeader(success, 'location', success.reply.body.access_token)],
    ['G4', 'SQL', () => withBody(refusal, { detail: 'Failed query: select' })],
    ['G6', 'a field with a secret’s name', () => withBody(refusal, { password_hash: '' })],
    ['G6', 'a security header less', () => without(success, 'x-content-type-options')],
    ['G6', 'an answer that may be cached', () => withHeader(success, 'cache-control', 'public')],
    ['G6', 'a server that tells its name', () => withHeader(success, 'server', 'x')],
    ['G7', 'no request id', () => without(success, 'x-request-id')],
    ['G7', 'an instance of another request', () => withBody(refusal, { instance: 'urn:uuid:x' })],
    ['G8', 'a fault that no test made', () => spoilt(success, { status: 500 })],
  ])('%s refuse %s', (oracle, _, spoil) => {
    expect(() => expectSane(spoil(), test.contract)).toThrow(new RegExp(`^${oracle} `))
  })

  it('accept a fault that the test made', () => {
    const { problems, find } = test.contract
    const route = find('GET', '/api/v1/organizations/me')
    expect(route?.statuses).toContain(503)
    const type = 'https://tenantry.dev/problems/overloaded'
    expect(problems.get(type)).toEqual([503])
    const { headers, body } = refusal.reply
    const faulty = spoilt(refusal, {
      status: 503,
      headers: { ...headers, 'retry-after': '5' },
      body: { ...body, type, code: 'overloaded', status: 503 },
    })
    expect(() => expectSane(faulty, test.contract)).toThrow(/^G8 /)
    expect(() => expectSane({ ...faulty, call: { faulty: true } }, test.contract)).not.toThrow()
  })
})

describe('the checks at the end', () => {
  it('B19 find a tenant’s word in another tenant’s answer', async () => {
    const other = await startCheckedPlatform({ databaseUrl: test.databaseUrl })
    try {
      const ann = await other.api.register()
      const { id } = await other.api.createOrganization(ann)
      const inside = await other.api.login(ann, id)
      const call = { token: inside.token, tenantId: id }
      const [own, foreign] = [other.plant(id), other.plant('0199aaaa-0000-7000-8000-000000000000')]
      expect((await other.api.put('/users/me', { full_name: own }, call)).status).toBe(200)
      await expect(other.api.put('/users/me', { full_name: foreign }, call)).rejects.toThrow(/^B19 /)
    } finally {
      await other.close()
    }
  })

  it.each<readonly [string, (platform: CheckedPlatform) => void]>([
    ['B19', ({ platform, plant }) => platform.log.info(`a line with ${plant('x')}`)],
    ['O16', ({ platform }) => platform.log.info({ credentials: { hidden: PASSWORD } })],
    ['O16', ({ platform }) => platform.log.info({ dsn: 'postgres://user@host/db' })],
  ])('%s find what no log may hold', async (oracle, spoil) => {
    const other = await startCheckedPlatform({ databaseUrl: test.databaseUrl })
    spoil(other)
    await expect(other.close()).rejects.toThrow(new RegExp(`^${oracle}`))
  })

  it('G7 find a request that is not in the log', async () => {
    const other = await startCheckedPlatform({ databaseUrl: test.databaseUrl })
    other.platform.log.level = 'error'
    await other.api.get('/organizations/me')
    await expect(other.close()).rejects.toThrow(/^G7 /)
  })
})
