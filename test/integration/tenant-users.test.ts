import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { ACCESS_TOKEN, ID, REFRESH_TOKEN, TIME } from '../support/shapes.ts'

let test: CheckedPlatform
let tenantId: string
let ann: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform()
  tenantId = (await test.api.createOrganization(await test.api.register())).id
  ann = await test.api.register({ tenantId, fullName: 'Ann Lee' })
})
afterAll(() => test.close())

const me = () => ({ token: ann.token, tenantId })
const update = (changes: object) => test.api.put('/users/me', changes, me())

/** `AuthResponse` of an organization's own user. */
function signedIn(email: string) {
  return {
    user: {
      id: expect.stringMatching(ID),
      email,
      email_verified: false,
      full_name: 'Bob Roe',
      is_active: true,
      is_owner: false,
    },
    access_token: expect.stringMatching(ACCESS_TOKEN),
    token_type: 'bearer',
    expires_in: 600,
    refresh_token: expect.stringMatching(REFRESH_TOKEN),
    scope: 'tenant',
    tenant_id: tenantId,
  }
}

describe('a user of an organization', () => {
  it('registers, signs in and refreshes where the tenant header says', async () => {
    const email = `${unique('bob')}@example.com`
    const credentials = { email, password: PASSWORD }
    const registered = await test.api.post(
      '/auth/register',
      { ...credentials, full_name: 'Bob Roe' },
      { tenantId },
    )
    expect(registered.status).toBe(201)
    expect(registered.body).toEqual(signedIn(email))

    const login = await test.api.post('/auth/login', credentials, { tenantId })
    expect(login.status).toBe(200)
    expect(login.body).toEqual(signedIn(email))
    expect(login.body.user.id).toBe(registered.body.user.id)

    const token = { refresh_token: login.body.refresh_token }
    const refreshed = await test.api.post('/auth/refresh', token, { tenantId })
    expect(refreshed.status).toBe(200)
    expect(refreshed.body).toEqual(signedIn(email))
    const profile = await test.api.get('/users/me', { token: refreshed.body.access_token, tenantId })
    expect(profile.status).toBe(200)
  })

  it('reads a profile with all that the contract lists and no more', async () => {
    const reply = await test.api.get('/users/me', me())
    expect(reply.status).toBe(200)
    expect(reply.body).toEqual({
      id: ann.id,
      email: ann.email,
      email_verified: false,
      full_name: 'Ann Lee',
      phone: null,
      avatar_url: null,
      is_owner: false,
      is_active: true,
      role: 'member',
      metadata: {},
      created_at: expect.stringMatching(TIME),
      updated_at: expect.stringMatching(TIME),
    })
    expect(ann.id).toMatch(ID)
  })
})

describe('a profile update', () => {
  it('changes what is given, moves updated_at, and is what is read afterwards', async () => {
    const before = (await test.api.get('/users/me', me())).body
    const changes = {
      full_name: 'Ann Lee-Roe',
      phone: '+44 (0)20 7946-0000',
      avatar_url: 'https://example.com/ann.png',
      metadata: { theme: 'dark', nested: { list: [1, 2.5, true, null, 'x'] } },
    }
    const reply = await update(changes)
    expect(reply.status).toBe(200)
    expect(reply.body).toEqual({ ...before, ...changes, updated_at: expect.stringMatching(TIME) })
    expect(Date.parse(reply.body.updated_at)).toBeGreaterThan(Date.parse(before.updated_at))
    expect((await test.api.get('/users/me', me())).body).toEqual(reply.body)
  })

  it('leaves what is absent, and clears what is null', async () => {
    await update({ full_name: 'Ann', phone: '112', avatar_url: 'http://example.com/a', metadata: { a: 1 } })
    expect((await update({ phone: null })).body).toMatchObject({
      full_name: 'Ann',
      phone: null,
      avatar_url: 'http://example.com/a',
      metadata: { a: 1 },
    })
    expect((await update({ avatar_url: null, full_name: null })).body).toMatchObject({
      full_name: null,
      avatar_url: null,
    })
  })

  it('without any field changes nothing, not even updated_at', async () => {
    const before = (await test.api.get('/users/me', me())).body
    expect(await update({})).toMatchObject({ status: 200, body: before })
  })

  it('takes metadata as it is, whatever its names are, and replaces it whole', async () => {
    const metadata = { '': 1, 'line\nbreak': 2, 'dot.ted': { 'a/b': [{}] }, 'имя 🙂': 'значение', big: 1e308 }
    expect((await update({ metadata })).body.metadata).toEqual(metadata)
    expect((await test.api.get('/users/me', me())).body.metadata).toEqual(metadata)
    expect((await update({ metadata: { only: 'this' } })).body.metadata).toEqual({ only: 'this' })
  })

  it.each([
    [{ full_name: '' }, '/full_name', 'too-short'],
    [{ full_name: 'x'.repeat(256) }, '/full_name', 'too-long'],
    [{ full_name: 7 }, '/full_name', 'type'],
    [{ phone: 'call me' }, '/phone', 'invalid-format'],
    [{ avatar_url: 'javascript:alert(1)' }, '/avatar_url', 'invalid-format'],
    [{ avatar_url: 'https://example.com/\u202eevil' }, '/avatar_url', 'forbidden-character'],
    [{ metadata: null }, '/metadata', 'type'],
    [{ metadata: [] }, '/metadata', 'type'],
    [{ metadata: { big: 'x'.repeat(16 * 1024) } }, '/metadata', 'too-large'],
    [{ metadata: { 'n\u0000ul': 1 } }, '/metadata', 'forbidden-character'],
    [{ metadata: { text: 'n\u0000ul' } }, '/metadata/text', 'forbidden-character'],
  ])('refuses %j: 422', async (changes, pointer, code) => {
    expect(await update(changes)).toMatchObject({ status: 422, body: { errors: [{ pointer, code }] } })
  })

  it.each([null, [], 'text', 7])('refuses the body %j: 422', async (body) => {
    const reply = await test.api.put('/users/me', body, me())
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ pointer: '', code: 'type' }] } })
  })
})

it('the tenant header has the name that the configuration gives it', async () => {
  const renamed = await startCheckedPlatform({ env: { TENANT_HEADER: 'X-Org' } })
  try {
    const owner = await renamed.api.register()
    const { id } = await renamed.api.createOrganization(owner)
    const credentials = { email: owner.email, password: owner.password }
    const login = await renamed.api.post('/auth/login', credentials, { headers: { 'x-org': id } })
    expect(login).toMatchObject({ status: 200, body: { scope: 'tenant', tenant_id: id } })
    const elsewhere = await renamed.api.post('/auth/login', credentials, { headers: { 'x-tenant-id': id } })
    expect(elsewhere).toMatchObject({ status: 200, body: { scope: 'core' } })
    const token = login.body.access_token
    expect((await renamed.api.get('/users/me', { token, headers: { 'x-org': id } })).status).toBe(200)
    expect((await renamed.api.get('/users/me', { token, tenantId: id })).status).toBe(400)
  } finally {
    await renamed.close()
  }
})
