import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { ENTERPRISE, GROUP, PATCH, type ScimTenant, scimError, startScim, USER } from '../support/scim.ts'

let test: CheckedPlatform
let tenant: ScimTenant
beforeAll(async () => {
  ;({ test, tenant } = await startScim())
})
afterAll(() => test.close())

const listed = (filter: string, more = '') =>
  tenant.send('GET', `/Users?filter=${encodeURIComponent(filter)}${more}`)
const patch = (path: string, Operations: unknown) =>
  tenant.send('PATCH', path, { schemas: [PATCH], Operations })

/** As Okta’s provisioning sends it (its guide "SCIM protocol", 2.0). */
it('O14 Okta: looks, creates, reads, updates, groups, deactivates, reactivates', async () => {
  const userName = `${unique('test.user')}@okta.local`
  const filter = encodeURIComponent(`userName eq "${userName}"`)
  const before = await tenant.send('GET', `/Users?filter=${filter}&startIndex=1&count=100`)
  expect(before).toMatchObject({
    status: 200,
    body: { totalResults: 0, startIndex: 1, itemsPerPage: 0, Resources: [] },
  })
  const created = await tenant.send('POST', '/Users', {
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
    userName,
    name: { givenName: 'Test', familyName: 'User' },
    emails: [{ primary: true, value: userName, type: 'work' }],
    displayName: 'Test User',
    locale: 'en-US',
    externalId: '00ujl29u0le5T6Aj10h7',
    groups: [],
    password: '1mz050nq',
    active: true,
  })
  expect(created).toMatchObject({
    status: 201,
    body: { userName, active: true, externalId: '00ujl29u0le5T6Aj10h7' },
  })
  const path = `/Users/${created.body.id}`
  const read = (await tenant.send('GET', path)).body
  // Okta sends the whole resource back, with what it changed.
  const put = await tenant.send('PUT', path, {
    ...read,
    name: { givenName: 'Another', middleName: '', familyName: 'User' },
  })
  expect(put).toMatchObject({ status: 200, body: { name: { givenName: 'Another', familyName: 'User' } } })
  const imported = await tenant.send('GET', '/Users?startIndex=1&count=2')
  expect(imported.body).toMatchObject({ itemsPerPage: 2, totalResults: 2 })
  const since = await listed('meta.lastModified gt "2020-01-01T00:00:00.000Z"', '&startIndex=1&count=100')
  expect(since.body.totalResults).toBe(2)

  const group = await tenant.send('POST', '/Groups', {
    schemas: [GROUP],
    displayName: unique('Test SCIMv2'),
    members: [],
  })
  const groupPath = `/Groups/${group.body.id}`
  const renamed = await patch(groupPath, [
    { op: 'replace', value: { id: group.body.id, displayName: unique('Test SCIMv2') } },
    { op: 'add', path: 'members', value: [{ value: created.body.id, display: userName }] },
  ])
  expect(renamed).toMatchObject({ status: 200, body: { members: [{ value: created.body.id }] } })
  const removed = await patch(groupPath, [{ op: 'remove', path: `members[value eq "${created.body.id}"]` }])
  expect(removed).toMatchObject({ status: 200, body: { members: [] } })
  expect((await tenant.send('DELETE', groupPath)).status).toBe(204)

  const off = await patch(path, [{ op: 'replace', value: { active: false } }])
  expect(off).toMatchObject({ status: 200, body: { active: false } })
  const on = await patch(path, [{ op: 'replace', value: { active: true } }])
  expect(on).toMatchObject({ status: 200, body: { active: true } })
  expect(await tenant.send('GET', '/Users/00u1-unknown')).toMatchObject(scimError(404))
})

/** As Microsoft Entra’s provisioning sends it (its guide "Develop and plan provisioning for a SCIM endpoint"). */
it('O14 Entra: looks, creates, updates, disables, deletes, keeps groups', async () => {
  const userName = `${unique('Test_User')}@contoso.example`
  const externalId = unique('0a21f0f2')
  expect((await listed(`externalId eq "${externalId}"`)).body).toMatchObject({
    totalResults: 0,
    Resources: [],
  })
  const created = await tenant.send('POST', '/Users', {
    schemas: [USER, ENTERPRISE],
    externalId,
    userName,
    active: true,
    emails: [{ primary: true, type: 'work', value: `first-${userName}` }],
    meta: { resourceType: 'User' },
    name: { formatted: 'givenName familyName', familyName: 'familyName', givenName: 'givenName' },
    roles: [],
  })
  expect(created).toMatchObject({ status: 201, body: { externalId, userName } })
  const path = `/Users/${created.body.id}`
  const address = `emails[type eq "work"].value eq "first-${userName}"`
  expect((await listed(address)).body.Resources).toMatchObject([{ id: created.body.id }])

  const updated = await patch(path, [
    { op: 'Replace', path: 'emails[type eq "work"].value', value: `updated-${userName}` },
    { op: 'Replace', path: 'name.familyName', value: 'updatedFamilyName' },
    { op: 'Add', path: 'phoneNumbers[type eq "mobile"].value', value: '+49 30 1' },
    { op: 'Add', path: 'addresses[type eq "work"].country', value: 'DE' },
    { op: 'Add', path: `${ENTERPRISE}:department`, value: 'Research' },
    { op: 'Add', path: `${ENTERPRISE}:manager`, value: created.body.id },
    { op: 'Replace', path: 'active', value: 'True' },
  ])
  expect(updated).toMatchObject({
    status: 200,
    body: {
      schemas: [USER, ENTERPRISE],
      active: true,
      emails: [{ type: 'work', primary: true, value: `updated-${userName}` }],
      name: { formatted: 'givenName familyName', familyName: 'updatedFamilyName' },
      phoneNumbers: [{ type: 'mobile', value: '+49 30 1' }],
      addresses: [{ type: 'work', country: 'DE' }],
      [ENTERPRISE]: { department: 'Research', manager: { value: created.body.id } },
    },
  })
  expect((await listed(`emails.value eq "updated-${userName.toLowerCase()}"`)).body.totalResults).toBe(1)

  // Without a path, with names that hold one.
  const bundled = await patch(path, [
    {
      op: 'Add',
      value: {
        'name.givenName': 'New',
        'emails[type eq "home"].value': 'h@contoso.example',
        [`${ENTERPRISE}:costCenter`]: '7',
      },
    },
  ])
  expect(bundled.body).toMatchObject({ name: { givenName: 'New' }, [ENTERPRISE]: { costCenter: '7' } })
  expect(bundled.body.emails).toHaveLength(2)

  const group = await tenant.send('POST', '/Groups', {
    schemas: [GROUP, 'http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group'],
    externalId: unique('8aa1a0c0'),
    displayName: unique('displayName'),
    meta: { resourceType: 'Group' },
  })
  const groupPath = `/Groups/${group.body.id}`
  const looked = await tenant.send(
    'GET',
    `/Groups?excludedAttributes=members&filter=${encodeURIComponent(`displayName eq "${group.body.displayName}"`)}`,
  )
  expect(looked.body).toMatchObject({ totalResults: 1, Resources: [{ id: group.body.id }] })
  const added = await patch(groupPath, [
    { op: 'Add', path: 'members', value: [{ $ref: null, value: created.body.id }] },
  ])
  expect(added.body.members).toMatchObject([{ value: created.body.id }])
  const removed = await patch(groupPath, [
    { op: 'Remove', path: 'members', value: [{ $ref: null, value: created.body.id }] },
  ])
  expect(removed.body.members).toEqual([])

  const disabled = await patch(path, [{ op: 'Replace', path: 'active', value: 'False' }])
  expect(disabled).toMatchObject({ status: 200, body: { active: false } })
  expect((await tenant.send('DELETE', path)).status).toBe(204)
  expect((await tenant.send('DELETE', groupPath)).status).toBe(204)
})

describe('the protocol', () => {
  it('says of itself what it can, to anybody', async () => {
    const open = (path: string) => test.api.send('GET', `/scim/v2/${tenant.tenantId}${path}`)
    const config = await open('/ServiceProviderConfig')
    expect(config).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/scim+json; charset=utf-8' },
      body: {
        patch: { supported: true },
        bulk: { supported: false },
        filter: { supported: true, maxResults: 200 },
        sort: { supported: false },
        etag: { supported: true },
      },
    })
    expect((await open('/ResourceTypes')).body.Resources.map(({ id }: { id: string }) => id)).toEqual([
      'User',
      'Group',
    ])
    expect((await open('/Schemas')).body.Resources.map(({ id }: { id: string }) => id)).toEqual([
      USER,
      ENTERPRISE,
      GROUP,
    ])
    expect((await open(`/Schemas/${ENTERPRISE}`)).body).toMatchObject({
      id: ENTERPRISE,
      name: 'EnterpriseUser',
    })
    expect((await open('/ResourceTypes/User')).body).toMatchObject({ endpoint: '/Users', schema: USER })
    expect(await open('/Schemas/nothing')).toMatchObject(scimError(404))
    expect(await open('/Schemas?filter=id%20pr')).toMatchObject(scimError(403))
    expect(await test.api.send('GET', '/scim/v2/nonsense/Schemas')).toMatchObject(
      scimError(400, 'invalidValue'),
    )
  })

  it('has attributes and excludedAttributes', async () => {
    const { id, userName } = await tenant.user(`${unique('few')}@example.com`, {
      title: 'x',
      name: { givenName: 'A', familyName: 'B' },
    })
    const keys = async (query: string) =>
      Object.keys((await tenant.send('GET', `/Users/${id}?${query}`)).body).sort()
    expect(await keys('attributes=userName')).toEqual(['id', 'meta', 'schemas', 'userName'])
    expect(await keys('excludedAttributes=NAME,emails,title,id,active')).toEqual([
      'id',
      'meta',
      'schemas',
      'userName',
    ])
    const parts = await tenant.send('GET', `/Users/${id}?attributes=${USER}:name.givenName,emails.value`)
    expect(parts.body).toMatchObject({ name: { givenName: 'A' }, emails: [{ value: userName }] })
    expect(parts.body.name).not.toHaveProperty('familyName')
    const both = await tenant.send('GET', `/Users/${id}?attributes=id&excludedAttributes=name`)
    expect(both).toMatchObject(scimError(400, 'invalidValue'))
  })

  it('has no bulk: 501; and writes every refusal as SCIM does, of unknown addresses too', async () => {
    const base = `/scim/v2/${tenant.tenantId}`
    const faulty = { token: tenant.key, faulty: true }
    expect(await test.api.send('POST', `${base}/Bulk`, { Operations: [] }, faulty)).toMatchObject(
      scimError(501),
    )
    expect(await tenant.send('GET', '/Nothing')).toMatchObject(scimError(404))
    expect(await tenant.send('PUT', '/Users', {})).toMatchObject({
      ...scimError(405),
      headers: { allow: expect.stringContaining('POST') },
    })
    const types = { 'content-type': 'text/plain' }
    expect(await tenant.send('POST', '/Users', 'x', types)).toMatchObject(scimError(415))
    const accept = { accept: 'text/html' }
    expect(await tenant.send('GET', '/Users', undefined, accept)).toMatchObject(scimError(406))
    expect(await tenant.send('POST', '/Users', [])).toMatchObject(scimError(400, 'invalidValue'))
    expect(await tenant.send('GET', '/Users?surprise=1')).toMatchObject(scimError(400, 'invalidValue'))
    expect(await tenant.send('GET', '/Users?startIndex=x')).toMatchObject(scimError(400, 'invalidValue'))
    const twice = { schemas: [USER], userName: 'a@example.com', USERNAME: 'b@example.com' }
    expect(await tenant.send('POST', '/Users', twice)).toMatchObject(scimError(400, 'invalidSyntax'))
  })

  it('takes application/json too, and a DELETE that names a type and sends nothing', async () => {
    const json = { 'content-type': 'application/json' }
    const body = { schemas: [USER], userName: `${unique('json')}@example.com` }
    const made = await tenant.send('POST', '/Users', body, { ...json, accept: 'application/json' })
    expect(made.status).toBe(201)
    const named = { 'content-type': 'application/scim+json' }
    expect((await tenant.send('DELETE', `/Users/${made.body.id}`, undefined, named)).status).toBe(204)
  })
})
