import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let member: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  member = await test.api.register({ tenantId })
  await inCore(test.platform, sql`UPDATE tenants SET status = 'suspended' WHERE id = ${tenantId}`)
  // The process hears of it in a moment; this one is not kept waiting for that.
  test.platform.tenancy.invalidate(tenantId)
})
afterAll(() => test.close())

const login = (email: string, password = PASSWORD) =>
  test.api.post('/auth/login', { email, password }, { tenantId })

it('B7 that an organization is suspended is told to those who belong there, its owner too', async () => {
  for (const { email } of [member, owner])
    expect(await login(email)).toMatchObject({ status: 403, body: { code: 'tenant-suspended' } })
})

it('B7 and to nobody else: they hear what they hear everywhere', async () => {
  const other = (await test.api.createOrganization(owner, unique('Going on'))).id
  const stranger = `${unique('stranger')}@example.com`
  const elsewhere = await test.api.post(
    '/auth/login',
    { email: stranger, password: PASSWORD },
    { tenantId: other },
  )
  const { instance: _, request_id: _id, ...same } = elsewhere.body
  for (const reply of [
    await login(stranger),
    await login(member.email, 'not the password'),
    await login(owner.email, 'not it'),
  ])
    expect(reply).toMatchObject({ status: 401, body: same })
})
