import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { makeKey } from '../support/api-keys.ts'
import { atOnce } from '../support/at-once.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { addLinked } from '../support/people.ts'
import { inTenant } from '../support/rows.ts'
import { ENTERPRISE, newScimTenant, type ScimTenant, scimError, startScim, USER } from '../support/scim.ts'
import { ID, TIME } from '../support/shapes.ts'

let test: CheckedPlatform
let tenant: ScimTenant
beforeAll(async () => {
  ;({ test, tenant } = await startScim())
})
afterAll(() => test.close())

const address = () => `${unique('Ada')}@Example.com`
const find = async (filter: string) =>
  (await tenant.send('GET', `/Users?filter=${encodeURIComponent(filter)}`)).body.Resources
const userNamed = async (name: string) => (await find(`userName eq "${name}"`))[0]

describe('a user', () => {
  it('is made with all that the directory says, and answered as it was said', async () => {
    const userName = address()
    const given = {
      schemas: [USER, ENTERPRISE],
      userName,
      externalId: 'ext-1',
      name: { formatted: 'Ada Lovelace', familyName: 'Lovelace', givenName: 'Ada' },
      displayName: 'Ada',
      title: 'Analyst',
      active: true,
      emails: [{ value: userName, type: 'work', primary: true }],
      [ENTERPRISE]: { department: 'Engines', manager: { value: '42' } },
    }
    const reply = await tenant.send('POST', '/Users', given)
    expect(reply.status).toBe(201)
    expect(reply.body).toEqual({
      ...given,
      id: expect.stringMatching(ID),
      meta: {
        resourceType: 'User',
        created: expect.stringMatching(TIME),
        lastModified: expect.stringMatching(TIME),
        location: `/scim/v2/${tenant.tenantId}/Users/${reply.body.id}`,
        version: reply.headers['etag'],
      },
    })
    expect(reply.headers).toMatchObject({
      'content-type': 'application/scim+json; charset=utf-8',
      location: reply.body.meta.location,
    })
    expect((await tenant.send('GET', `/Users/${reply.body.id}`)).body).toEqual(reply.body)
    const member = await test.api.get(`/members/${reply.body.id}`, {
      token: tenant.owner.tenantToken,
      tenantId: tenant.tenantId,
    })
    expect(member.body).toMatchObject({
      email: userName.toLowerCase(),
      full_name: 'Ada Lovelace',
      role: 'member',
      is_linked: false,
      is_active: true,
    })
  })

  it('has no password, whatever the directory sends, and no role', async () => {
    const email = address()
    const { id } = await tenant.user(email, {
      password: 'correct horse battery staple',
      roles: [{ value: 'owner' }],
      entitlements: [{ value: 'owner' }],
      is_owner: true,
      role: 'owner',
      core_user_id: tenant.founder.id,
    })
    const { body } = await tenant.send('GET', `/Users/${id}`)
    for (const name of ['password', 'roles', 'entitlements', 'role', 'is_owner'])
      expect(body).not.toHaveProperty(name)
    const login = { email, password: 'correct horse battery staple' }
    expect(await test.api.post('/auth/login', login, { tenantId: tenant.tenantId })).toMatchObject({
      status: 401,
      body: { code: 'invalid-credentials' },
    })
    const call = { token: tenant.owner.tenantToken, tenantId: tenant.tenantId }
    expect((await test.api.get(`/members/${id}`, call)).body).toMatchObject({
      role: 'member',
      is_linked: false,
    })
  })

  it('may have a name that is no address, if it has an address', async () => {
    const email = address()
    const { id } = await tenant.user('ada.l', { emails: [{ value: email, type: 'home' }] })
    expect((await find(`emails.value eq "${email}"`))[0]).toMatchObject({ id, userName: 'ada.l' })
    const nobody = { schemas: [USER], userName: 'nobody' }
    expect(await tenant.send('POST', '/Users', nobody)).toMatchObject(scimError(400, 'invalidValue'))
  })

  it('O14 differs from others by more than case: 409', async () => {
    const name = unique('Straße-Twin')
    const body = (userName: string) => ({ schemas: [USER], userName, emails: [{ value: address() }] })
    expect((await tenant.send('POST', '/Users', body(name))).status).toBe(201)
    for (const twin of [
      name.toUpperCase().replace('SS', 'ß'),
      name.toLowerCase(),
      ` ${name} `,
      name.replace('T', 'Ｔ'),
    ])
      expect(await tenant.send('POST', '/Users', body(twin)), twin).toMatchObject(
        scimError(409, 'uniqueness'),
      )
    const other = await tenant.user(unique('other'), { emails: [{ value: address() }] })
    const renamed = { op: 'replace', path: 'userName', value: name.toLowerCase() }
    expect(await tenant.patch(`/Users/${other.id}`, renamed)).toMatchObject(scimError(409, 'uniqueness'))
  })

  it('is not made in the place of somebody who is here already: 409, and it is found instead', async () => {
    const local = await test.api.register({ tenantId: tenant.tenantId })
    const twin = { schemas: [USER], userName: local.email.toUpperCase() }
    expect(await tenant.send('POST', '/Users', twin)).toMatchObject(scimError(409, 'uniqueness'))
    const aside = { schemas: [USER], userName: unique('aside'), emails: [{ value: local.email }] }
    expect(await tenant.send('POST', '/Users', aside)).toMatchObject(scimError(409, 'uniqueness'))
    expect(await userNamed(local.email.toUpperCase())).toMatchObject({
      id: local.id,
      userName: local.email,
      active: true,
      emails: [{ value: local.email, type: 'work', primary: true }],
    })
  })

  it('O14 is made again after it was deleted', async () => {
    const email = address()
    const first = await tenant.user(email, { externalId: 'again' })
    expect((await tenant.send('DELETE', `/Users/${first.id}`)).status).toBe(204)
    expect(await tenant.send('GET', `/Users/${first.id}`)).toMatchObject(scimError(404))
    expect(await tenant.send('DELETE', `/Users/${first.id}`)).toMatchObject(scimError(404))
    const second = await tenant.user(email, { externalId: 'again' })
    expect(second.id).not.toBe(first.id)
    expect(await find('externalId eq "again"')).toMatchObject([{ id: second.id }])
  })

  it('joins whatever registration says, but not from another domain', async () => {
    const call = { token: tenant.owner.tenantToken, tenantId: tenant.tenantId }
    await test.api.patch(
      '/organization',
      { registration: 'closed', allowed_email_domains: ['example.com'] },
      call,
    )
    await tenant.user(address())
    const elsewhere = { schemas: [USER], userName: `${unique('x')}@example.org` }
    expect(await tenant.send('POST', '/Users', elsewhere)).toMatchObject(scimError(403))
    await test.api.patch('/organization', { registration: 'open', allowed_email_domains: [] }, call)
  })
})

describe('an account with a password or of the platform', () => {
  it('keeps its address and its password when the directory takes it over', async () => {
    const local = await test.api.register({ tenantId: tenant.tenantId })
    const linked = await addLinked(test, tenant.tenantId)
    for (const { id, email } of [local, { id: linked.memberId, email: linked.email }]) {
      const userName = unique('taken-over')
      const reply = await tenant.send('PUT', `/Users/${id}`, {
        schemas: [USER],
        userName,
        password: 'another good password',
        displayName: 'New Name',
        emails: [{ value: address(), primary: true }],
      })
      expect(reply).toMatchObject({
        status: 200,
        body: { userName, displayName: 'New Name', active: true, emails: [{ value: email }] },
      })
      expect(await userNamed(userName)).toMatchObject({ id })
      expect(await userNamed(email)).toBeUndefined()
    }
    await test.api.login(local, tenant.tenantId)
    await test.api.login(linked, tenant.tenantId)
  })
})

describe('owners', () => {
  it('H13 the last one cannot be deactivated or removed: 409', async () => {
    const path = `/Users/${tenant.owner.memberId}`
    const inactive = { op: 'replace', path: 'active', value: false }
    expect(await tenant.patch(path, inactive)).toMatchObject(scimError(409))
    expect(await tenant.send('DELETE', path)).toMatchObject(scimError(409))
    const body = { schemas: [USER], userName: tenant.owner.email, active: false }
    expect(await tenant.send('PUT', path, body)).toMatchObject(scimError(409))
    expect((await tenant.send('GET', path)).body.active).toBe(true)
  })

  it('H13 of those who go at once one stays', async () => {
    const fresh = await newScimTenant(test)
    const second = await addLinked(test, fresh.tenantId, 'owner')
    const ids = [second.memberId, fresh.owner.memberId]
    await atOnce(16, (index) =>
      fresh.patch(`/Users/${ids[index % 2]}`, { op: 'replace', value: { active: false } }),
    )
    const left = sql`SELECT id FROM users WHERE role = 'owner' AND is_active`
    expect(await inTenant(test.platform, fresh.tenantId, left)).toHaveLength(1)
  })

  it('are touched by no key that an admin made: 403', async () => {
    const fresh = await newScimTenant(test)
    const admin = await addLinked(test, fresh.tenantId, 'admin')
    const second = await addLinked(test, fresh.tenantId, 'owner')
    const by = { token: admin.tenantToken, tenantId: fresh.tenantId }
    const { key: token } = await makeKey(test, by, ['directory.provision'])
    const path = `/scim/v2/${fresh.tenantId}/Users/${second.memberId}`
    expect(await test.api.send('DELETE', path, undefined, { token })).toMatchObject(scimError(403))
    expect((await fresh.send('DELETE', `/Users/${second.memberId}`)).status).toBe(204)
  })
})
