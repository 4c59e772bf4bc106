import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { createOrganizationService } from '../../src/organizations/index.ts'
import { type ApiClient, createApiClient, type SignedInUser, unique } from '../support/api-client.ts'
import { healBirths, holdBirths } from '../support/births.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore } from '../support/rows.ts'
import { expectSane } from '../support/sane.ts'

/** Organizations whose answer comes late, or to nobody. */
let test: CheckedPlatform
let ann: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform()
  ann = await test.api.register()
})
afterEach(() => healBirths(test.platform))
afterAll(() => test.close())

const PATH = '/api/v1/organizations'

const create = (key: string, body: object, api: ApiClient = test.api) =>
  api.post('/organizations', body, { token: ann.token, headers: { 'idempotency-key': key } })

/** Ends when the next organization is active. */
function untilCreated(): Promise<string> {
  return new Promise((resolve) => {
    test.platform.events.on('organization.created', 'test', ({ payload }) => resolve(payload.organizationId))
  })
}

const idsOf = (name: string) =>
  inCore<{ id: string }>(test.platform, sql`SELECT id FROM organizations WHERE name = ${name}`)

it('a repeat that comes while the first runs is told to come back: 409', async () => {
  const [key, name] = [unique('key'), unique('Running')]
  const births = holdBirths(test.platform)
  const first = create(key, { name })
  await births.reached
  const early = await create(key, { name })
  expect(early).toMatchObject({ status: 409, body: { code: 'idempotency-conflict' } })
  expect(early.headers['retry-after']).toBe('1')
  expect(early.headers).not.toHaveProperty('location')
  births.release()
  const { status, text } = await first
  expect(status).toBe(201)
  expect(await create(key, { name })).toMatchObject({ status: 201, text })
})

it('J13 a client that hung up before the answer gets it from its repeat', async () => {
  const [key, name] = [unique('key'), unique('Hung up')]
  const url = await test.app.listen({ host: '127.0.0.1', port: 0 })
  const births = holdBirths(test.platform)
  const created = untilCreated()
  const hangUp = new AbortController()
  const lost = fetch(url + PATH, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${ann.token}`,
      'idempotency-key': key,
    },
    body: JSON.stringify({ name }),
    signal: hangUp.signal,
  })
  await births.reached
  hangUp.abort()
  await expect(lost).rejects.toThrow('aborted')
  births.release()
  const id = await created
  const again = await create(key, { name })
  expect(again).toMatchObject({ status: 201, body: { id, name, status: 'active' } })
  expect(again.headers['location']).toBe(`${PATH}/${id}`)
  expect(await create(key, { name })).toMatchObject({ status: 201, text: again.text })
  expect(await idsOf(name)).toEqual([{ id }])
})

it('an answer of 202 is not the last: the repeat gives 202 again, and 201 when it is ready', async () => {
  const { core, tenancy, log } = test.platform
  const organizations = createOrganizationService({ core, tenancy, log, createWaitMs: 1 })
  const app = await createApp({ ...test.platform, organizations })
  const hasty = createApiClient(app, (exchange) => expectSane(exchange, test.contract))
  const [key, name] = [unique('key'), unique('Slow')]
  const births = holdBirths(test.platform)
  const created = untilCreated()
  try {
    const first = await create(key, { name }, hasty)
    expect(first).toMatchObject({ status: 202, body: { name, status: 'provisioning' } })
    const waiting = await create(key, { name }, hasty)
    expect(waiting).toMatchObject({ status: 202, body: { id: first.body.id, status: 'provisioning' } })
    expect(waiting.headers).not.toHaveProperty('idempotent-replayed')
    births.release()
    expect(await created).toBe(first.body.id)
    const ready = await create(key, { name }, hasty)
    expect(ready).toMatchObject({ status: 201, body: { id: first.body.id, status: 'active' } })
    const again = await create(key, { name }, hasty)
    expect(again).toMatchObject({ status: 201, text: ready.text })
    expect(again.headers['idempotent-replayed']).toBe('true')
    expect(await idsOf(name)).toEqual([{ id: first.body.id }])
  } finally {
    births.release()
    await app.close()
  }
})
