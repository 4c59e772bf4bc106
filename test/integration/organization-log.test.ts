import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newId } from '../../src/platform/index.ts'
import type { SignedInUser } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { registerAdmin } from '../support/impersonation.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let admin: SignedInUser
let owner: SignedInUser
let tenantId: string
let otherId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  admin = await registerAdmin(test)
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  otherId = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

const read = (id: string, query = '', { token }: Pick<SignedInUser, 'token'> = admin) =>
  test.api.get(`/admin/organizations/${id}/audit${query}`, { token })
const reads = (id: string) =>
  inTenant(
    test.platform,
    id,
    sql`SELECT actor_kind, actor_id, target_id, network FROM audit_log WHERE action = 'audit.read'`,
  )

it('shows an administrator an organization’s log, as its owner sees it, and records that there', async () => {
  const inside = await test.api.login(owner, tenantId)
  const own = await test.api.get('/audit?action=user.', { token: inside.token, tenantId })
  const { status, body } = await read(tenantId, '?action=user.')
  expect(status).toBe(200)
  expect(body).toEqual(own.body)
  expect(body.items.length).toBeGreaterThan(0)
  expect(await reads(tenantId)).toEqual([
    { actor_kind: 'admin', actor_id: admin.id, target_id: tenantId, network: '127.0.0.0/24' },
  ])
  expect(await reads(otherId)).toEqual([])
  const seen = await test.api.get('/audit?action=audit.read', { token: inside.token, tenantId })
  expect(seen.body.items).toMatchObject([{ action: 'audit.read', actor: { kind: 'admin', id: admin.id } }])
})

it('C19 B10 pages by cursors that are good for this organization’s log and no other', async () => {
  for (const id of [tenantId, otherId]) for (let count = 0; count < 3; count++) await read(id)
  const first = (await read(tenantId, '?limit=1')).body
  const next = await read(tenantId, `?limit=1&cursor=${first.next_cursor}`)
  expect(next.status).toBe(200)
  expect(next.body.items[0].id < first.items[0].id).toBe(true)
  const before = (await reads(otherId)).length
  expect((await read(otherId, `?cursor=${first.next_cursor}`)).status).toBe(422)
  expect((await read(tenantId, '?limit=0')).status).toBe(422)
  expect(
    (await test.api.get(`/admin/audit?cursor=${first.next_cursor}`, { token: admin.token })).status,
  ).toBe(422)
  // Who read nothing is not recorded as having read.
  expect(await reads(otherId)).toHaveLength(before)
})

it('B1 shows nobody else anything: not even the owner, and no former administrator', async () => {
  const former = await registerAdmin(test)
  await inCore(test.platform, sql`UPDATE users SET is_admin = false WHERE id = ${former.id}`)
  const before = (await reads(tenantId)).length
  for (const user of [owner, former]) {
    expect(await read(tenantId, '', user)).toMatchObject({ status: 403, body: { code: 'admin-required' } })
    expect(await read(newId(), '', user)).toMatchObject({ status: 403, body: { code: 'admin-required' } })
  }
  expect(await reads(tenantId)).toHaveLength(before)
})

it('answers as the organization stands: 404 unknown, 403 suspended, 503 not ready', async () => {
  expect(await read(newId())).toMatchObject({ status: 404, body: { code: 'tenant-not-found' } })
  expect((await read('nobody')).status).toBe(422)
  const setStatus = async (status: string) => {
    await inCore(test.platform, sql`UPDATE tenants SET status = ${status} WHERE id = ${otherId}`)
    test.platform.tenancy.invalidate(otherId)
  }
  await setStatus('suspended')
  expect(await read(otherId)).toMatchObject({ status: 403, body: { code: 'tenant-suspended' } })
  await setStatus('provisioning')
  const unready = await test.api.get(`/admin/organizations/${otherId}/audit`, {
    token: admin.token,
    faulty: true,
  })
  expect(unready).toMatchObject({ status: 503, body: { code: 'tenant-not-ready' } })
  await setStatus('active')
  expect((await read(otherId)).status).toBe(200)
})
