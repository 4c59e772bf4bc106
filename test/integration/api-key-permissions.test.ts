import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { isGrantable, isPermitted, PERMISSIONS } from '../../src/users/index.ts'
import { type ApiCall, type ApiReply, type Method, unique } from '../support/api-client.ts'
import { makeKey } from '../support/api-keys.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import type { DocumentedRoute } from '../support/contract.ts'
import { addLinked, enter } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'

const GRANTABLE = [...PERMISSIONS.keys()].filter(isGrantable)

let test: CheckedPlatform
let tenantId: string
let owner: ApiCall
beforeAll(async () => {
  test = await startCheckedPlatform()
  const founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id
  owner = { token: (await enter(test, tenantId, founder)).tenantToken, tenantId }
})
afterAll(() => test.close())

/** A call that has the right form as far as the guards look, and would change nothing. */
async function call({ method, path }: DocumentedRoute, token: string): Promise<ApiReply> {
  const url = path.replace('{id}', newId())
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH'
  return await test.api.send(method as Method, url, hasBody ? {} : undefined, { token, tenantId })
}

/** Routes that an organization's token opens. */
const tenantRoutes = () =>
  test.contract.routes.filter(
    ({ security }) => security.includes('tenantToken') && !security.includes('coreToken'),
  )

const keyOf = async (scopes: readonly string[], manager = owner) => (await makeKey(test, manager, scopes)).key

const saying = (route: DocumentedRoute, reply: ApiReply) =>
  `${route.method} ${route.path} answered ${reply.status} ${reply.body?.code}`

describe('A8 O17 a key', () => {
  it('with the scope that a route asks for is let in where keys are, or sent to step up', async () => {
    for (const route of tenantRoutes()) {
      const permission = route.permission ?? ''
      if (!isGrantable(permission)) continue
      const reply = await call(route, await keyOf([permission]))
      expect([401, 403], saying(route, reply)).not.toContain(reply.status)
    }
  })

  it('without that scope is refused, whatever else it may: 403', async () => {
    for (const route of tenantRoutes()) {
      const rest = GRANTABLE.filter((scope) => scope !== route.permission)
      const reply = await call(route, await keyOf(rest))
      expect(reply, saying(route, reply)).toMatchObject({ status: 403, body: { code: 'permission-denied' } })
    }
  })

  it('with more scope than a route gives keys is refused, also where its row was changed', async () => {
    const { id, key } = await makeKey(test, owner)
    const all = sql.join(
      [...PERMISSIONS.keys()].map((name) => sql`${name}`),
      sql`, `,
    )
    await inTenant(test.platform, tenantId, sql`UPDATE api_keys SET scopes = ARRAY[${all}] WHERE id = ${id}`)
    for (const route of tenantRoutes()) {
      if (isGrantable(route.permission ?? '')) continue
      const reply = await call(route, key)
      expect(reply, saying(route, reply)).toMatchObject({ status: 403, body: { code: 'permission-denied' } })
    }
  })

  it('may do what its maker’s role may now, and no more', async () => {
    const admin = await addLinked(test, tenantId, 'admin')
    const key = await keyOf(GRANTABLE, { token: admin.tenantToken, tenantId })
    await test.api.patch(`/members/${admin.memberId}`, { role: 'member' }, owner)
    for (const route of tenantRoutes()) {
      const permission = route.permission ?? ''
      const reply = await call(route, key)
      if (isGrantable(permission) && isPermitted('member', permission))
        expect([401, 403], saying(route, reply)).not.toContain(reply.status)
      else
        expect(reply, saying(route, reply)).toMatchObject({
          status: 403,
          body: { code: 'permission-denied' },
        })
    }
  })

  it('is of no use on routes of accounts and of the platform: 403', async () => {
    const key = await keyOf(GRANTABLE)
    const others = test.contract.routes.filter(({ security }) => security.includes('coreToken'))
    expect(others.length).toBeGreaterThan(10)
    for (const route of others) {
      const reply = await call(route, key)
      expect(reply, saying(route, reply)).toMatchObject({ status: 403, body: { code: 'insufficient-scope' } })
      expect(reply.headers['www-authenticate']).toMatch(/error="insufficient_scope"$/)
      const garbled = await call(route, key.slice(0, -1))
      expect(garbled, saying(route, garbled)).toMatchObject({ status: 401, body: { code: 'invalid-token' } })
    }
  })

  it('is in the API description of the routes that take one, and of no other', () => {
    for (const { path, permission, security } of test.contract.routes) {
      const isOfTenant = tenantRoutes().some((route) => route.path === path)
      // Nothing but keys opens the routes of directories.
      const takesKeys = (isOfTenant && isGrantable(permission ?? '')) || permission === 'directory.provision'
      expect([path, security.includes('apiKey')]).toEqual([path, takesKeys])
    }
  })
})

describe('O9 a key proves nothing anew', () => {
  it('G5 so it makes nobody an owner or an admin, who would make keys, and asks for no second factor', async () => {
    const heir = await addLinked(test, tenantId)
    const machine = { token: await keyOf(GRANTABLE), tenantId }
    const STALE = { status: 403, body: { code: 'step-up-required' } }
    for (const role of ['owner', 'admin'])
      expect(await test.api.patch(`/members/${heir.memberId}`, { role }, machine)).toMatchObject(STALE)
    const inviter = { token: await keyOf(['invitations.manage']), tenantId }
    const invite = (role: string) =>
      test.api.post('/invitations', { email: `${unique('guest')}@example.com`, role }, inviter)
    expect(await invite('admin')).toMatchObject(STALE)
    expect((await invite('member')).status).toBe(201)
    const stricter = { second_factor_required: true }
    expect(await test.api.patch('/organization', stricter, machine)).toMatchObject(STALE)
  })

  it('so it is not its maker, where people may do more to themselves', async () => {
    const admin = await addLinked(test, tenantId, 'admin')
    const machine = { token: await keyOf(['profile.read'], { token: admin.tenantToken, tenantId }), tenantId }
    for (const reply of [
      await test.api.get(`/members/${admin.memberId}`, machine),
      await test.api.delete(`/members/${admin.memberId}`, machine),
    ])
      expect(reply).toMatchObject({ status: 403, body: { code: 'permission-denied' } })
  })
})
