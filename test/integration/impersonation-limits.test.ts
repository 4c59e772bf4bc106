import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { isPermittedUnderImpersonation, PERMISSIONS } from '../../src/users/index.ts'
import type { ApiReply, Method, SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import type { DocumentedRoute } from '../support/contract.ts'
import { type Acting, actAs, REASON, registerAdmin } from '../support/impersonation.ts'

/** Every permission, decided: a new one must be added here. */
const ALLOWED = [
  'profile.read',
  'profile.write',
  'organization.read',
  'members.read',
  'members.manage',
  'audit.read',
  'impersonations.read',
]
const REFUSED = [
  'sessions.own',
  'account.own',
  'organization.policy',
  'organization.sso',
  'organization.transfer',
  'members.reactivate',
  'members.role',
  'invitations.manage',
  'impersonations.end',
  'api_keys.manage',
  'directory.provision',
]
const READING = ['GET', 'HEAD']

let test: CheckedPlatform
let admin: SignedInUser
let owner: SignedInUser
let tenantId: string
let looking: Acting
let changing: Acting
beforeAll(async () => {
  test = await startCheckedPlatform()
  admin = await registerAdmin(test)
  const founder = await test.api.register()
  tenantId = (await test.api.createOrganization(founder)).id
  owner = await test.api.login(founder, tenantId)
  looking = await actAs(test, admin, tenantId, owner)
  changing = await actAs(test, admin, tenantId, owner, { read_only: false })
})
afterAll(() => test.close())

const withTenantToken = () => test.contract.routes.filter(({ security }) => security.includes('tenantToken'))

/** A call that has the right form as far as the guard looks, and would change nothing. */
async function call({ method, path }: DocumentedRoute, acting: Acting): Promise<ApiReply> {
  const body = READING.includes(method) || method === 'DELETE' ? undefined : {}
  return await test.api.send(method as Method, path.replace('{id}', newId()), body, acting)
}

const NOT_ALLOWED = { status: 403, body: { code: 'not-under-impersonation' } }
const READ_ONLY = { status: 403, body: { code: 'impersonation-read-only' } }

describe('O17 who acts as an owner', () => {
  it('has the permissions that are decided here, and no other', () => {
    expect([...ALLOWED, ...REFUSED].sort()).toEqual([...PERMISSIONS.keys()].sort())
    for (const permission of PERMISSIONS.keys())
      expect(isPermittedUnderImpersonation(permission), permission).toBe(ALLOWED.includes(permission))
    for (const unknown of ['', 'notes.write', 'toString', '__proto__'])
      expect(isPermittedUnderImpersonation(unknown), unknown).toBe(false)
  })

  it('to look may change nothing, whatever the route', async () => {
    const routes = withTenantToken()
    expect(routes.length).toBeGreaterThan(25)
    for (const route of routes) {
      const reply = await call(route, looking)
      const where = `${route.method} ${route.path} answered ${reply.status} ${reply.body?.code}`
      if (!ALLOWED.includes(route.permission ?? '')) expect(reply, where).toMatchObject(NOT_ALLOWED)
      else if (!READING.includes(route.method)) expect(reply, where).toMatchObject(READ_ONLY)
      else expect([200, 404], where).toContain(reply.status)
    }
    const head = await test.app.inject({
      method: 'HEAD',
      url: '/api/v1/users/me',
      headers: { authorization: `Bearer ${looking.token}`, 'x-tenant-id': tenantId },
    })
    expect(head.statusCode).toBe(200)
  })

  it('to change may not do what is the user’s own or outlasts the visit, whatever the route', async () => {
    for (const route of withTenantToken()) {
      const reply = await call(route, changing)
      const where = `${route.method} ${route.path} answered ${reply.status} ${reply.body?.code}`
      if (ALLOWED.includes(route.permission ?? '')) expect([401, 403], where).not.toContain(reply.status)
      else expect(reply, where).toMatchObject(NOT_ALLOWED)
    }
    // All of it, and the session still goes on.
    expect((await test.api.get('/users/me', changing)).status).toBe(200)
  })

  it('lets nobody in again, who would stay when the visit is over', async () => {
    const dismissed = await test.api.register({ tenantId })
    const path = `/members/${dismissed.id}`
    expect((await test.api.post(`${path}/deactivate`, undefined, changing)).status).toBe(200)
    expect(await test.api.post(`${path}/reactivate`, undefined, changing)).toMatchObject(NOT_ALLOWED)
    const own = { token: owner.token, tenantId }
    expect((await test.api.post(`${path}/reactivate`, undefined, own)).status).toBe(200)
  })

  it('does not leave in the user’s place', async () => {
    const user = await test.api.register({ tenantId })
    const acting = await actAs(test, admin, tenantId, user, { read_only: false })
    expect(await test.api.delete(`/members/${user.id}`, acting)).toMatchObject(NOT_ALLOWED)
    expect((await test.api.get(`/members/${user.id}`, acting)).status).toBe(200)
    expect(await test.api.delete(`/members/${owner.id}`, changing)).toMatchObject(NOT_ALLOWED)
  })

  it('cannot become somebody on the platform, nor somebody else', async () => {
    const core = test.contract.routes.filter(({ security }) => security.join() === 'coreToken')
    expect(core.length).toBeGreaterThan(5)
    for (const route of core)
      expect(await call(route, changing), route.path).toMatchObject({
        status: 403,
        body: { code: 'insufficient-scope' },
      })
    const again = await test.api.post(
      `/admin/organizations/${tenantId}/impersonation`,
      { user_id: owner.id, reason: REASON },
      changing,
    )
    expect(again.body.code).toBe('insufficient-scope')
    const refreshed = await test.api.post('/auth/refresh', { refresh_token: changing.token }, { tenantId })
    expect(refreshed).toMatchObject({ status: 401, body: { code: 'invalid-token' } })
  })

  it('has no more than the user has', async () => {
    const user = await test.api.register({ tenantId })
    const acting = await actAs(test, admin, tenantId, user, { read_only: false })
    for (const path of ['/members', '/audit', '/organization/impersonations'])
      expect(await test.api.get(path, acting)).toMatchObject({
        status: 403,
        body: { code: 'permission-denied' },
      })
  })
})
