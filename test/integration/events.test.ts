import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Events } from '../../src/compose.ts'
import { unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { ID, TIME } from '../support/shapes.ts'

const NAMES: readonly (keyof Events)[] = [
  'user.registered',
  'user.logged_in',
  'organization.created',
  'tenant_user.registered',
  'tenant_user.updated',
]

let test: CheckedPlatform
const heard: { name: string }[] = []
beforeAll(async () => {
  test = await startCheckedPlatform()
  for (const name of NAMES) test.platform.events.on(name, 'test', (event) => void heard.push(event))
})
beforeEach(() => {
  heard.length = 0
})
afterAll(() => test.close())

/** What was published since the test began. */
async function published(): Promise<{ name: string }[]> {
  await test.platform.events.settle()
  return heard.splice(0)
}

function event(name: keyof Events, payload: object, tenantId?: string) {
  return {
    id: expect.stringMatching(ID),
    name,
    occurredAt: expect.stringMatching(TIME),
    ...(tenantId !== undefined && { tenantId }),
    payload,
  }
}

describe('what is published', () => {
  it('of an account on the platform', async () => {
    const ann = await test.api.register()
    expect(await published()).toEqual([event('user.registered', { userId: ann.id, email: ann.email })])
    await test.api.login(ann)
    expect(await published()).toEqual([event('user.logged_in', { userId: ann.id, scope: 'core' })])
  })

  it('of an organization: once, when its owner can already sign in', async () => {
    const ann = await test.api.register()
    const login = Promise.withResolvers<unknown>()
    test.platform.events.on('organization.created', 'owner signs in', async ({ payload }) => {
      if (payload.ownerId === ann.id) login.resolve(await test.api.login(ann, payload.organizationId))
    })
    await published()
    const { id, slug, database_name } = await test.api.createOrganization(ann, 'Event Horizon')
    await expect(login.promise).resolves.toMatchObject({ email: ann.email })
    const [created] = await published()
    expect(created).toEqual(
      event(
        'organization.created',
        {
          organizationId: id,
          ownerId: ann.id,
          name: 'Event Horizon',
          slug,
          databaseName: database_name,
        },
        id,
      ),
    )
  })

  it('of an organization’s users: with the tenant, and names of fields instead of their values', async () => {
    const { id } = await test.api.createOrganization(await test.api.register())
    await published()
    const bob = await test.api.register({ tenantId: id })
    expect(await published()).toEqual([
      event('tenant_user.registered', { userId: bob.id, email: bob.email }, id),
    ])
    await test.api.login(bob, id)
    expect(await published()).toEqual([event('user.logged_in', { userId: bob.id, scope: 'tenant' }, id)])
    const changes = { full_name: 'Bob', metadata: {} }
    await test.api.put('/users/me', changes, { token: bob.token, tenantId: id })
    expect(await published()).toEqual([
      event('tenant_user.updated', { userId: bob.id, fields: ['fullName', 'metadata'] }, id),
    ])
  })

  it('is nothing when nothing happened', async () => {
    const ann = await test.api.register()
    const slug = unique('event')
    await test.api.post('/organizations', { name: 'First', slug }, { token: ann.token })
    const { id } = await test.api.createOrganization(ann)
    const owner = await test.api.login(ann, id)
    await published()
    const { email, password } = ann
    const refused = [
      await test.api.post('/auth/register', { email, password }),
      await test.api.post('/auth/register', { email, password: 'short' }),
      await test.api.post('/auth/login', { email, password: 'not the password' }),
      await test.api.post('/organizations', { name: 'Second', slug }, { token: ann.token }),
      await test.api.post('/organizations', { name: 'No token' }),
      await test.api.put('/users/me', { phone: '?' }, { token: owner.token, tenantId: id }),
    ]
    expect(refused.map(({ status }) => status)).toEqual([409, 422, 401, 409, 401, 422])
    await test.api.put('/users/me', {}, { token: owner.token, tenantId: id })
    expect(await published()).toEqual([])
  })
})

describe('a handler', () => {
  it('that fails is logged with its event, and hinders neither the request nor other handlers', async () => {
    const { events } = test.platform
    let calls = 0
    events.on('user.registered', 'fails at once', () => {
      throw new Error('handler broke')
    })
    events.on('user.registered', 'fails later', () => Promise.reject(new Error('handler broke later')))
    events.on('user.registered', 'works', () => void calls++)
    const ann = await test.api.register()
    expect(await published()).toHaveLength(1)
    expect(calls).toBe(1)
    const failures = test.logged.filter(({ msg }) => msg === 'an event handler failed')
    expect(failures.map(({ handler }) => handler).sort()).toEqual(['fails at once', 'fails later'])
    for (const { event } of failures)
      expect(event).toMatchObject({ name: 'user.registered', payload: { userId: ann.id } })
  })

  it('knows the request and the tenant that its log lines belong to', async () => {
    const { id } = await test.api.createOrganization(await test.api.register())
    test.platform.events.on('tenant_user.registered', 'logs', () => test.platform.log.info('from a handler'))
    await test.api.register({ tenantId: id })
    await published()
    const line = test.logged.find(({ msg }) => msg === 'from a handler')
    expect(line).toMatchObject({ tenant_id: id, request_id: expect.stringMatching(ID) })
    const request = test.logged.find(
      ({ msg, request_id }) => msg === 'request' && request_id === line?.request_id,
    )
    expect(request).toMatchObject({ tenant_id: id, status: 201 })
  })
})
