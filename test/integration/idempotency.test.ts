import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { breakBirths, claimForAnother, healBirths } from '../support/births.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore } from '../support/rows.ts'

let test: CheckedPlatform
let ann: SignedInUser
let bob: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform()
  ann = await test.api.register()
  bob = await test.api.register()
})
afterEach(() => healBirths(test.platform))
afterAll(() => test.close())

const create = (owner: SignedInUser, key: string, body: object, faulty = false) =>
  test.api.post('/organizations', body, { token: owner.token, headers: { 'idempotency-key': key }, faulty })

const idsOf = async (name: string) =>
  (await inCore<{ id: string }>(test.platform, sql`SELECT id FROM organizations WHERE name = ${name}`)).map(
    ({ id }) => id,
  )

/** Makes a key look as if it had been used so long ago. */
const age = (key: string, interval: string) =>
  inCore(
    test.platform,
    sql`UPDATE organization_requests SET created_at = now() - ${interval}::interval WHERE key = ${key}`,
  )

/** A request that fails on our side, and the organization that it leaves unfinished. */
async function failedRequest() {
  const [key, name] = [unique('key'), unique('Failed')]
  breakBirths(test.platform)
  expect(await create(ann, key, { name }, true)).toMatchObject({ status: 500 })
  healBirths(test.platform)
  const [id = ''] = await idsOf(name)
  return { key, name, id }
}

const MISMATCH = { status: 422, body: { code: 'idempotency-mismatch' } }
const CONFLICT = { status: 409, body: { code: 'idempotency-conflict' }, headers: { 'retry-after': '1' } }

describe('a request that is repeated with its key', () => {
  it('is answered as it was the first time, also when the organization changed since', async () => {
    const [key, name] = [unique('key'), unique('Once')]
    const first = await create(ann, key, { name })
    expect(first.status).toBe(201)
    expect(first.headers).not.toHaveProperty('idempotent-replayed')
    const { id } = first.body
    await inCore(test.platform, sql`UPDATE organizations SET name = 'Changed' WHERE id = ${id}`)
    await inCore(test.platform, sql`UPDATE tenants SET status = 'suspended' WHERE id = ${id}`)
    const again = await create(ann, `"${key}"`, { name })
    expect(again).toMatchObject({ status: 201, text: first.text })
    expect(again.headers).toMatchObject({
      'idempotent-replayed': 'true',
      location: `/api/v1/organizations/${id}`,
    })
  })

  it('is the same body in another order and another form of Unicode', async () => {
    const [key, slug] = [unique('key'), unique('nfc')]
    const first = await create(ann, key, { name: 'Caf\u00e9', slug })
    const again = await create(ann, key, { slug, name: 'Cafe\u0301' })
    expect(again).toMatchObject({ status: 201, text: first.text })
  })

  it('H4 with another body is refused, whatever became of the first: 422', async () => {
    const key = unique('key')
    const name = unique('Mine')
    await create(ann, key, { name })
    for (const body of [{ name: unique('Other') }, { name, slug: unique('slug') }, { name: `${name} ` }]) {
      expect(await create(ann, key, body)).toMatchObject(MISMATCH)
      if (body.name !== name) expect(await idsOf(body.name)).toEqual([])
    }
    const failed = await failedRequest()
    expect(await create(ann, failed.key, { name: 'Other' })).toMatchObject(MISMATCH)
    await claimForAnother(test.platform, failed.id, 'alive')
    expect(await create(ann, failed.key, { name: 'Other' })).toMatchObject(MISMATCH)
  })

  it('B10 by another user is a request of its own', async () => {
    const [key, name] = [unique('key'), unique('Shared')]
    const replies = [await create(ann, key, { name }), await create(bob, key, { name })]
    expect(replies).toMatchObject([
      { status: 201, body: { owner_id: ann.id } },
      { status: 201, body: { owner_id: bob.id } },
    ])
    expect(replies[0]?.body.id).not.toBe(replies[1]?.body.id)
    expect(replies[1]?.headers).not.toHaveProperty('idempotent-replayed')
  })

  it('is not remembered where it made nothing', async () => {
    const [key, taken] = [unique('key'), unique('taken')]
    await create(bob, unique('key'), { name: 'Taken', slug: taken })
    expect(await create(ann, key, { name: 'Mine', slug: taken })).toMatchObject({
      status: 409,
      body: { code: 'slug-taken' },
    })
    expect((await create(ann, key, { name: 'Mine', slug: 'admin' })).status).toBe(422)
    expect((await create(ann, key, { name: '' })).status).toBe(422)
    expect((await create(ann, key, { name: 'Mine', slug: unique('free') })).status).toBe(201)
  })

  it('makes another organization than the same request with another key, and than the one without', async () => {
    const name = unique('Thrice')
    const token = ann.token
    const replies = [
      await create(ann, unique('key'), { name }),
      await create(ann, unique('key'), { name }),
      await test.api.post('/organizations', { name }, { token }),
    ]
    expect(replies.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(new Set(replies.map(({ body }) => body.id)).size).toBe(3)
  })
})

describe('a request that failed on our side', () => {
  it('is finished by its key, again and again until it is done', async () => {
    const { key, name, id } = await failedRequest()
    breakBirths(test.platform)
    for (let attempt = 2; attempt <= 5; attempt++)
      expect(await create(ann, key, { name }, true)).toMatchObject({ status: 500 })
    healBirths(test.platform)
    // It is "failed" by now, which no reconciler takes up.
    const done = await create(ann, key, { name })
    expect(done).toMatchObject({ status: 201, body: { id, status: 'active' } })
    expect(done.headers).not.toHaveProperty('idempotent-replayed')
    expect(await create(ann, key, { name })).toMatchObject({ status: 201, text: done.text })
    expect(await idsOf(name)).toEqual([id])
  })

  it('is left alone by another key', async () => {
    const { key, name, id } = await failedRequest()
    const other = await create(ann, unique('key'), { name })
    expect(other).toMatchObject({ status: 201 })
    expect(other.body.id).not.toBe(id)
    expect(await create(ann, key, { name })).toMatchObject({ status: 201, body: { id } })
  })

  it('is finished by the same request without a key too, and then is its answer', async () => {
    const { key, name, id } = await failedRequest()
    const plain = await test.api.post('/organizations', { name }, { token: ann.token })
    expect(plain).toMatchObject({ status: 201, body: { id } })
    expect(await create(ann, key, { name })).toMatchObject({ status: 201, body: plain.body })
    expect(await idsOf(name)).toEqual([id])
  })

  it('is told of by its key when a reconciler finished it', async () => {
    const { key, name, id } = await failedRequest()
    await claimForAnother(test.platform, id, 'dead')
    await test.platform.tenancy.reconcile()
    expect(await create(ann, key, { name })).toMatchObject({ status: 201, body: { id } })
    // The owner has heard of it, so the next one is new.
    const plain = await test.api.post('/organizations', { name }, { token: ann.token })
    expect(plain.body.id).not.toBe(id)
  })

  it('is waited for while another process is at it, and taken over when that one is dead', async () => {
    const { key, name, id } = await failedRequest()
    await claimForAnother(test.platform, id, 'alive')
    for (let attempt = 0; attempt < 2; attempt++)
      expect(await create(ann, key, { name })).toMatchObject(CONFLICT)
    await claimForAnother(test.platform, id, 'dead')
    expect(await create(ann, key, { name })).toMatchObject({ status: 201, body: { id, status: 'active' } })
  })

  it('J13 gives the one organization when its process died between the end and the answer', async () => {
    const [key, name] = [unique('key'), unique('Unsaid')]
    const unsaid = await create(ann, key, { name })
    await inCore(test.platform, sql`UPDATE organization_requests SET response = NULL WHERE key = ${key}`)
    const again = await create(ann, key, { name })
    expect(again).toMatchObject({ status: 201, text: unsaid.text })
    expect((await create(ann, key, { name })).headers).toHaveProperty('idempotent-replayed')
  })
})

describe('a key', () => {
  it('is known for 24 hours, and after that is a new one', async () => {
    const key = unique('key')
    const first = await create(ann, key, { name: unique('Yesterday') })
    const body = { name: unique('Today') }
    await age(key, '23 hours 59 minutes')
    expect(await create(ann, key, body)).toMatchObject(MISMATCH)
    await age(key, '24 hours 1 second')
    const next = await create(ann, key, body)
    expect(next.status).toBe(201)
    expect(next.body.id).not.toBe(first.body.id)
    expect(await create(ann, key, body)).toMatchObject({ status: 201, text: next.text })
  })

  it('that is old is taken away when new ones come, ten at a time', async () => {
    const kept = unique('kept')
    const { body } = await create(ann, kept, { name: unique('Purge') })
    await inCore(
      test.platform,
      sql`INSERT INTO organization_requests (user_id, key, request_hash, organization_id, created_at)
        SELECT ${ann.id}, 'old-' || n, '', ${body.id}, now() - interval '25 hours' FROM generate_series(1, 15) n`,
    )
    const left = async () => {
      const rows = await inCore(test.platform, sql`SELECT FROM organization_requests WHERE key LIKE 'old-%'`)
      return rows.length
    }
    for (const expected of [5, 0]) {
      await create(bob, unique('key'), { name: unique('Purger') })
      expect(await left()).toBe(expected)
    }
    expect(await create(ann, kept, { name: body.name })).toMatchObject({ status: 201, body })
  })

  it('is refused when it is malformed, and nothing is made: 400', async () => {
    const name = unique('Never')
    for (const key of ['two words', '', '"open', 'k'.repeat(256)])
      expect(await create(ann, key, { name })).toMatchObject({
        status: 400,
        body: { code: 'malformed-request', detail: expect.stringContaining('Idempotency-Key') },
      })
    expect(await idsOf(name)).toEqual([])
  })

  it('is looked at after the token: 401', async () => {
    const headers = { 'idempotency-key': 'two words' }
    expect((await test.api.post('/organizations', { name: 'x' }, { headers })).status).toBe(401)
  })
})
