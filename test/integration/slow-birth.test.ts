import { afterAll, beforeAll, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { createOrganizationService, organizationHooks } from '../../src/organizations/index.ts'
import { type ApiClient, createApiClient, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { expectSane } from '../support/sane.ts'

/** An application that waits a millisecond for a new organization instead of ten seconds. */
let test: CheckedPlatform
let app: Awaited<ReturnType<typeof createApp>>
let api: ApiClient
let ann: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform()
  const { core, tenancy, log } = test.platform
  const organizations = createOrganizationService({ core, tenancy, log, createWaitMs: 1 })
  app = await createApp({ ...test.platform, organizations })
  api = createApiClient(app, (exchange) => expectSane(exchange, test.contract))
  ann = await test.api.register()
})
afterAll(async () => {
  await app.close()
  await test.close()
})

/** Keeps every new tenant at its last step until told to go on. */
function holdBirths() {
  const { core, events, tenancy } = test.platform
  const gate = Promise.withResolvers<void>()
  const hooks = organizationHooks(core, events)
  tenancy.provisioner.use({
    ...hooks,
    seed: async (tenant) => {
      await gate.promise
      await hooks.seed(tenant)
    },
  })
  return gate
}

let listeners = 0
function untilCreated(): Promise<string> {
  return new Promise((resolve) => {
    const name = `test ${++listeners}`
    test.platform.events.on('organization.created', name, ({ payload }) => resolve(payload.organizationId))
  })
}

/** An organization that was answered 202 and has become ready since. */
async function madeBehindAnAnswer(name: string): Promise<string> {
  const gate = holdBirths()
  const created = untilCreated()
  const { status, body } = await api.post('/organizations', { name }, { token: ann.token })
  expect(status).toBe(202)
  gate.resolve()
  expect(await created).toBe(body.id)
  return body.id
}

it('an organization that takes long is answered 202, shut until it is ready, and then is', async () => {
  const gate = holdBirths()
  const created = untilCreated()
  const name = unique('Slow')
  const reply = await api.post('/organizations', { name }, { token: ann.token })
  expect(reply).toMatchObject({ status: 202, body: { status: 'provisioning', name } })
  const { id } = reply.body
  expect(reply.headers['location']).toBe(`/api/v1/organizations/${id}`)

  const shut = await api.post(
    '/auth/login',
    { email: ann.email, password: ann.password },
    { tenantId: id, faulty: true },
  )
  expect(shut).toMatchObject({ status: 503, body: { code: 'tenant-not-ready' } })

  // Asked again meanwhile, it is the same one: no second database.
  const again = await api.post('/organizations', { name }, { token: ann.token })
  expect(again).toMatchObject({ status: 202, body: { id, status: 'provisioning' } })

  gate.resolve()
  await expect(created).resolves.toBe(id)
  const ready = await api.get(`/organizations/${id}`, { token: ann.token })
  expect(ready).toMatchObject({ status: 200, body: { status: 'active' } })
  await expect(api.login(ann, id)).resolves.toMatchObject({ email: ann.email })
})

it('one that became ready after the 202 is what its owner gets who asks again, once', async () => {
  const name = unique('Asked again')
  const id = await madeBehindAnAnswer(name)
  const again = await api.post('/organizations', { name }, { token: ann.token })
  expect(again).toMatchObject({ status: 201, body: { id, status: 'active' } })
  const another = await test.api.post('/organizations', { name }, { token: ann.token })
  expect(another.body.id).not.toBe(id)
})

it('one that its owner has seen ready is no answer to a new request', async () => {
  const name = unique('Looked at')
  const id = await madeBehindAnAnswer(name)
  const seen = await api.get(`/organizations/${id}`, { token: ann.token })
  expect(seen).toMatchObject({ status: 200, body: { status: 'active' } })
  const another = await test.api.post('/organizations', { name }, { token: ann.token })
  expect(another.body.id).not.toBe(id)
})
