import { afterAll, beforeAll, expect, it } from 'vitest'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'

let test: CheckedPlatform
let owner: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  const person = await test.api.register()
  tenantId = (await test.api.createOrganization(person)).id
  owner = await test.api.login(person, tenantId)
})
afterAll(() => test.close())

it('a key is usable where a tenant token is', async () => {
  const call = { token: owner.token, tenantId }
  const made = await test.api.post(
    '/api-keys',
    { name: 'CI', scopes: ['members.read', 'profile.read'] },
    call,
  )
  expect(made.status).toBe(201)
  const machine = { token: made.body.key, tenantId }
  expect(await test.api.get('/members', machine)).toMatchObject({
    status: 200,
    body: { items: [{ id: owner.id }] },
  })
  expect(await test.api.get('/users/me', machine)).toMatchObject({ status: 200, body: { id: owner.id } })
  expect(await test.api.get('/audit', machine)).toMatchObject({
    status: 403,
    body: { code: 'permission-denied' },
  })
  expect(await test.api.get('/api-keys', machine)).toMatchObject({
    status: 403,
    body: { code: 'permission-denied' },
  })
  expect(await test.api.get('/auth/sessions', machine)).toMatchObject({
    status: 403,
    body: { code: 'insufficient-scope' },
  })
  expect(await test.api.get('/organizations/me', machine)).toMatchObject({
    status: 403,
    body: { code: 'insufficient-scope' },
  })
})
