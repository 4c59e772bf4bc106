import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'

let test: CheckedPlatform
let owner: SignedInUser
let [a, b] = ['', '']
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  a = (await test.api.createOrganization(owner)).id
  b = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

const INVALID_TOKEN = { status: 401, body: { code: 'invalid-token' } }

describe('B9 one e-mail address and password in the core and in two tenants', () => {
  const email = `${unique('ann')}@example.com`
  let [core, inA, inB]: SignedInUser[] = []
  beforeAll(async () => {
    core = await test.api.register({ email })
    inA = await test.api.register({ email, tenantId: a, fullName: 'Ann in A' })
    inB = await test.api.register({ email, tenantId: b, fullName: 'Ann in B' })
  })

  it('are three people', async () => {
    expect(new Set([core?.id, inA?.id, inB?.id]).size).toBe(3)
    for (const [tenantId, person] of [[undefined, core] as const, [a, inA] as const, [b, inB] as const]) {
      const reply = await test.api.post('/auth/login', { email, password: PASSWORD }, { tenantId })
      expect(reply.body.user.id).toBe(person?.id)
    }
  })

  it('change apart from each other', async () => {
    const changes = { full_name: 'Ann of A', phone: '112' }
    await test.api.put('/users/me', changes, { token: inA?.token, tenantId: a })
    const other = await test.api.get('/users/me', { token: inB?.token, tenantId: b })
    expect(other.body).toMatchObject({ full_name: 'Ann in B', phone: null })
  })

  it('have tokens that are of no use to each other', async () => {
    const profile = (token: string | undefined, tenantId: string) =>
      test.api.get('/users/me', { token, tenantId })
    expect((await profile(inA?.token, a)).body.id).toBe(inA?.id)
    expect((await profile(inA?.token, b)).status).toBe(403)
    expect((await profile(inB?.token, a)).status).toBe(403)
    expect((await profile(core?.token, a)).status).toBe(403)
    for (const { token } of [inA, inB] as SignedInUser[])
      expect((await test.api.get('/organizations/me', { token })).status).toBe(403)
  })

  it('have passwords that are of no use to each other, once they differ', async () => {
    const other = `${unique('bob')}@example.com`
    await test.api.register({ email: other, password: 'the password of tenant A', tenantId: a })
    await test.api.register({ email: other, password: 'the password of tenant B', tenantId: b })
    const login = (password: string, tenantId: string | undefined) =>
      test.api.post('/auth/login', { email: other, password }, { tenantId })
    expect((await login('the password of tenant A', a)).status).toBe(200)
    expect((await login('the password of tenant A', b)).status).toBe(401)
    expect((await login('the password of tenant B', a)).status).toBe(401)
    expect((await login('the password of tenant A', undefined)).status).toBe(401)
  })
})

describe('a refresh token somewhere else', () => {
  const refresh = ({ refreshToken }: SignedInUser, tenantId?: string) =>
    test.api.post('/auth/refresh', { refresh_token: refreshToken }, { tenantId })

  it('B10 of tenant A in B is refused, and still works in A', async () => {
    const ann = await test.api.register({ tenantId: a })
    expect(await refresh(ann, b)).toMatchObject(INVALID_TOKEN)
    expect(await refresh(ann, a)).toMatchObject({ status: 200, body: { tenant_id: a } })
  })

  it('B11 of the core in a tenant, and of a tenant in the core, is refused, and still works at home', async () => {
    const ann = await test.api.register()
    const bob = await test.api.register({ tenantId: a })
    expect(await refresh(ann, a)).toMatchObject(INVALID_TOKEN)
    expect(await refresh(bob)).toMatchObject(INVALID_TOKEN)
    expect(await refresh(ann)).toMatchObject({ status: 200, body: { scope: 'core' } })
    expect(await refresh(bob, a)).toMatchObject({ status: 200, body: { scope: 'tenant' } })
  })

  it('B10 an owner’s, too: a session of one organization is none of the other', async () => {
    const inA = await test.api.login(owner, a)
    expect(await refresh(inA, b)).toMatchObject(INVALID_TOKEN)
    expect(await refresh(inA)).toMatchObject(INVALID_TOKEN)
    expect((await refresh(inA, a)).status).toBe(200)
  })
})

it('B10 an organization’s id is no key to it: another owner finds nothing', async () => {
  const bob = await test.api.register()
  for (const id of [a, b])
    expect((await test.api.get(`/organizations/${id}`, { token: bob.token })).status).toBe(404)
  const login = await test.api.post('/auth/login', { email: bob.email, password: PASSWORD }, { tenantId: a })
  expect(login).toMatchObject({ status: 401, body: { code: 'invalid-credentials' } })
})
