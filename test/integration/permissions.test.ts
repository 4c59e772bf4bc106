import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import { isPermitted, PERMISSIONS } from '../../src/users/index.ts'
import type { ApiReply, Method, SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import type { DocumentedRoute } from '../support/contract.ts'
import { inTenant } from '../support/rows.ts'

const ROLES = ['owner', 'admin', 'member'] as const
type Role = (typeof ROLES)[number]

let test: CheckedPlatform
let own: string
let other: string
const people = new Map<Role, SignedInUser>()
beforeAll(async () => {
  test = await startCheckedPlatform({
    extend: (app, { tenantGuard }) => {
      const guard = tenantGuard.requires('members.manage', { orSelf: 'id' })
      app.get('/test/managed/:id', { onRequest: guard.onRequest, schema: { hide: true } }, () => ({}))
    },
  })
  const owner = await test.api.register()
  own = (await test.api.createOrganization(owner)).id
  other = (await test.api.createOrganization(owner)).id
  for (const role of ROLES) {
    const person =
      role === 'owner' ? await test.api.login(owner, own) : await test.api.register({ tenantId: own })
    people.set(role, person)
    await setRole(person, role)
  }
})
afterAll(() => test.close())

async function setRole({ id }: SignedInUser, role: Role): Promise<void> {
  await inTenant(test.platform, own, sql`UPDATE users SET role = ${role} WHERE id = ${id}`)
}

/** Every route that takes a tenant token. */
function tenantRoutes(): DocumentedRoute[] {
  return test.contract.routes.filter(({ security }) => security.includes('tenantToken'))
}

/** A call that has the right form as far as the guard looks, and would change nothing. */
async function call({ method, path }: DocumentedRoute, token: string, tenantId: string): Promise<ApiReply> {
  const url = path.replace('{id}', newId())
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH'
  return await test.api.send(method as Method, url, hasBody ? {} : undefined, { token, tenantId })
}

describe('O17 permissions', () => {
  it('are named by every route that takes a tenant token or a key, and by none that does not', () => {
    for (const { method, path, permission } of tenantRoutes())
      expect(PERMISSIONS.has(permission ?? ''), `${method} ${path} ${permission}`).toBe(true)
    const rest = test.contract.routes.filter((route) => !tenantRoutes().includes(route))
    for (const { path, permission, security } of rest)
      expect(permission, path).toBe(security.includes('apiKey') ? 'directory.provision' : undefined)
  })

  it.each(ROLES)('are those of the table, whatever the route: %s', async (role) => {
    const person = people.get(role) as SignedInUser
    for (const route of tenantRoutes()) {
      // A route may end the session that it is called with.
      const { token } = await again(person)
      const reply = await call(route, token, own)
      const where = `${role} ${route.method} ${route.path} answered ${reply.status} ${reply.body?.code}`
      if (isPermitted(role, route.permission ?? '')) expect([401, 403], where).not.toContain(reply.status)
      else expect(reply, where).toMatchObject({ status: 403, body: { code: 'permission-denied' } })
    }
  })

  it.each(ROLES)('are worth nothing in another organization: %s', async (role) => {
    const { token } = await again(people.get(role) as SignedInUser)
    for (const route of tenantRoutes()) {
      const reply = await call(route, token, other)
      expect(reply, route.path).toMatchObject({ status: 403, body: { code: 'tenant-mismatch' } })
    }
  })

  it('follow a role that was changed, with the next request', async () => {
    const person = await test.api.register({ tenantId: own })
    const isDenied = async () => (await manage(person, newId())).body.code === 'permission-denied'
    expect(await isDenied()).toBe(true)
    await setRole(person, 'admin')
    expect(await isDenied()).toBe(false)
    await setRole(person, 'member')
    expect(await isDenied()).toBe(true)
  })

  it('reach oneself where the route says so, and nobody else', async () => {
    const [one, two] = [
      await test.api.register({ tenantId: own }),
      await test.api.register({ tenantId: own }),
    ]
    expect((await manage(one, one.id)).status).toBe(200)
    for (const id of [two.id, one.id.toUpperCase(), `${one.id}%20`, newId()])
      expect((await manage(one, id)).status, id).toBe(403)
  })

  it('that the table does not know admit nobody, and stop the start', () => {
    expect(() => test.platform.tenantGuard.requires('members.eat')).toThrow('there is no permission')
    for (const name of ['', 'members.eat', 'toString', '__proto__', 'constructor'])
      for (const role of ROLES) expect(isPermitted(role, name), name).toBe(false)
  })
})

async function manage({ token }: SignedInUser, id: string): Promise<ApiReply> {
  return await test.api.send('GET', `/test/managed/${id}`, undefined, { token, tenantId: own })
}

async function again({ email, password }: SignedInUser): Promise<SignedInUser> {
  return await test.api.login({ email, password }, own)
}
