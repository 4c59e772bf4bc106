import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inTenant } from '../support/rows.ts'

const TAG = /^"[0-9a-f]{32}"$/
const OTHER = `"${'0'.repeat(32)}"`

let test: CheckedPlatform
let tenantId: string
let ann: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform()
  tenantId = (await test.api.createOrganization(await test.api.register())).id
  ann = await test.api.register({ tenantId })
})
afterAll(() => test.close())

const me = (headers = {}) => ({ token: ann.token, tenantId, headers })
const read = (headers?: object) => test.api.get('/users/me', me(headers))
const update = (changes: object, headers?: object) => test.api.put('/users/me', changes, me(headers))
const tagNow = async () => (await read()).headers['etag'] ?? ''

describe('the ETag of a profile', () => {
  it('is strong, and the same for as long as the profile is', async () => {
    const first = await read()
    expect(first.headers['etag']).toMatch(TAG)
    expect(await tagNow()).toBe(first.headers['etag'])
    expect((await update({})).headers['etag']).toBe(first.headers['etag'])
  })

  it('of an update is that of the next read, whatever is stored', async () => {
    const metadata = { z: 1e308, a: [0.1, -0, { '': null }], 'имя 🙂': '\u2028"\\' }
    for (const changes of [{ metadata }, { full_name: 'A\u030a' }, { phone: '+1 23', metadata: {} }]) {
      const before = await tagNow()
      const updated = await update(changes)
      expect(updated.headers['etag']).toMatch(TAG)
      expect(updated.headers['etag']).not.toBe(before)
      const after = await read()
      expect(after.headers['etag']).toBe(updated.headers['etag'])
      expect(after.text).toBe(updated.text)
    }
  })

  it('B10 of one person is nothing to another', async () => {
    const bob = await test.api.register({ tenantId })
    const reply = await test.api.put(
      '/users/me',
      { phone: '112' },
      { token: bob.token, tenantId, headers: { 'if-match': await tagNow() } },
    )
    expect(reply.status).toBe(412)
  })
})

describe('C18 If-Match', () => {
  it.each([
    ['the tag', (tag: string) => tag],
    ['a list with the tag', (tag: string) => `${OTHER}, ${tag}`],
    ['a list with empty elements', (tag: string) => `,, ${tag}\t, ,W/${OTHER},`],
    ['*', () => '*'],
  ])('of %s lets the update through', async (_, header) => {
    const full_name = unique('Ann')
    const reply = await update({ full_name }, { 'if-match': header(await tagNow()) })
    expect(reply).toMatchObject({ status: 200, body: { full_name } })
    expect((await read()).text).toBe(reply.text)
  })

  it.each([
    ['another tag', () => OTHER],
    ['several others', () => `${OTHER}, "", "x,y"`],
    ['the weak tag', (tag: string) => `W/${tag}`],
    ['the tag inside of another', (tag: string) => `"W/${tag.slice(1)}`],
  ])('of %s changes nothing: 412', async (_, header) => {
    const before = await read()
    const headers = { 'if-match': header(before.headers['etag'] ?? '') }
    for (const changes of [{ full_name: unique('never') }, {}]) {
      const reply = await update(changes, headers)
      expect(reply).toMatchObject({ status: 412, body: { code: 'precondition-failed' } })
    }
    expect((await read()).text).toBe(before.text)
  })

  it.each(['', 'tag', '"open', 'W/"a" "b"', 'w/"a"', '*, "a"', '"*", *', '"a";q=1', '"a\u0001"', ','])(
    'of %j is malformed, also where the body is wrong: 400',
    async (header) => {
      const reply = await update({ wrong: true }, { 'if-match': header })
      expect(reply).toMatchObject({ status: 400, body: { code: 'malformed-request' } })
    },
  )

  it('counts only for an update that is valid, and of somebody who may make it', async () => {
    const headers = { 'if-match': OTHER }
    expect((await update({ full_name: '' }, headers)).status).toBe(422)
    expect((await test.api.put('/users/me', {}, { tenantId, headers })).status).toBe(401)
  })

  it('without a field to change answers the profile as it is, and nobody hears of it', async () => {
    const { events } = test.platform
    let heard = 0
    events.on('tenant_user.updated', 'test', () => void heard++)
    const before = await read()
    const reply = await update({}, { 'if-match': before.headers['etag'] ?? '' })
    expect(reply).toMatchObject({ status: 200, text: before.text })
    await events.settle()
    expect(heard).toBe(0)
  })

  it('of a tag from before a change that nobody made here is refused too: 412', async () => {
    const tag = await tagNow()
    await inTenant(test.platform, tenantId, sql`UPDATE users SET role = 'admin' WHERE id = ${ann.id}`)
    expect((await update({ phone: null }, { 'if-match': tag })).status).toBe(412)
  })
})

it('C18 other conditions and Range are no matter to an update', async () => {
  const tag = await tagNow()
  for (const headers of [{ 'if-none-match': tag }, { 'if-none-match': '*' }, { range: 'bytes=0-1' }])
    expect((await update({ phone: '112' }, headers)).status).toBe(200)
})

it('the description of the API has the header, the answer and the tag', async () => {
  const { paths } = (await test.app.inject('/openapi.json')).json()
  const { get, put } = paths['/api/v1/users/me']
  expect(put.parameters).toMatchObject([{ in: 'header', name: 'If-Match', required: false }])
  expect(put.responses['412'].description).toMatch(/^`precondition-failed`: /)
  expect(get.responses).not.toHaveProperty('412')
  for (const { responses } of [get, put]) {
    expect(responses['200'].headers).toMatchObject({ ETag: { schema: { type: 'string' } } })
    expect(responses['422']?.headers).toBeUndefined()
  }
})
