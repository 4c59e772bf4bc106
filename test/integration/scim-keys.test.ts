import { afterAll, beforeAll, expect, it } from 'vitest'
import { isGrantable, PERMISSIONS } from '../../src/users/index.ts'
import { type ApiReply, type Method, unique } from '../support/api-client.ts'
import { makeKey } from '../support/api-keys.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import type { DocumentedRoute } from '../support/contract.ts'
import { GROUP, newScimTenant, PATCH, type ScimTenant, scimError, startScim, USER } from '../support/scim.ts'

const DIRECTORY = 'directory.provision'

let test: CheckedPlatform
let a: ScimTenant
let b: ScimTenant
/** Of B: what a request would change if it were let in. */
let user: string
let group: string
beforeAll(async () => {
  ;({ test, tenant: a } = await startScim())
  b = await newScimTenant(test)
  user = (await b.user(`${unique('user')}@example.com`)).id
  const made = await b.send('POST', '/Groups', { schemas: [GROUP], displayName: unique('Group') })
  expect(made.status).toBe(201)
  group = made.body.id
})
afterAll(() => test.close())

/** Every route that a directory's key opens; deletions come last. */
function directoryRoutes(): DocumentedRoute[] {
  const routes = test.contract.routes.filter(({ permission }) => permission === DIRECTORY)
  expect(routes.length).toBeGreaterThanOrEqual(12)
  return routes.sort((one, next) => Number(one.method === 'DELETE') - Number(next.method === 'DELETE'))
}

const isOfGroups = ({ path }: DocumentedRoute) => path.includes('/Groups')

/** What changes B where it is let in. */
function bodyOf(route: DocumentedRoute): object | undefined {
  const { method, path } = route
  if (method === 'GET' || method === 'DELETE') return undefined
  if (path.endsWith('/Bulk')) return { Operations: [] }
  const name = isOfGroups(route) ? 'displayName' : 'userName'
  const value = `${unique('changed')}@example.com`
  if (method === 'PATCH') return { schemas: [PATCH], Operations: [{ op: 'replace', path: name, value }] }
  return { schemas: [isOfGroups(route) ? GROUP : USER], [name]: value }
}

async function send(route: DocumentedRoute, token: string): Promise<ApiReply> {
  const url = route.path.replace('{tenant_id}', b.tenantId).replace('{id}', isOfGroups(route) ? group : user)
  // That bulk requests are not supported is a 501.
  const faulty = route.path.endsWith('/Bulk')
  return await test.api.send(route.method as Method, url, bodyOf(route), { token, faulty })
}

const directory = async () => [(await b.send('GET', '/Users')).body, (await b.send('GET', '/Groups')).body]

async function expectRefusals(status: number, key: string): Promise<void> {
  const before = await directory()
  for (const route of directoryRoutes())
    expect(await send(route, key), `${route.method} ${route.path}`).toMatchObject(scimError(status))
  expect(await directory()).toEqual(before)
}

it('O14 the key of A is refused on every path of B, and nothing changes: 401', async () => {
  await expectRefusals(401, a.key)
})

it('O14 O17 a key of B without the scope is refused on every path, and nothing changes: 403', async () => {
  const manager = { token: b.owner.tenantToken, tenantId: b.tenantId }
  const rest = [...PERMISSIONS.keys()].filter((name) => isGrantable(name) && name !== DIRECTORY)
  const { key } = await makeKey(test, manager, rest)
  await expectRefusals(403, key)
})

it('O14 what was refused is in order: the key of B is let in by every path, and changes what is there', async () => {
  const before = await directory()
  for (const route of directoryRoutes()) {
    const { status } = await send(route, b.key)
    const wanted = route.path.endsWith('/Bulk') ? [501] : [200, 201, 204]
    expect(wanted, `${route.method} ${route.path}`).toContain(status)
  }
  const after = await directory()
  for (const [index, id] of [user, group].entries()) {
    const ids = (lists: typeof before) =>
      lists[index].Resources.map((resource: { id: string }) => resource.id)
    expect(ids(before)).toContain(id)
    expect(ids(after)).not.toContain(id)
  }
})
