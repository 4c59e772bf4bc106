import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { unique } from '../support/api-client.ts'
import { makeKey } from '../support/api-keys.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { whileHeld } from '../support/held-lock.ts'
import { addLinked } from '../support/people.ts'
import { PATCH, type ScimTenant, scimError, startScim, USER } from '../support/scim.ts'

let test: CheckedPlatform
let tenant: ScimTenant
beforeAll(async () => {
  ;({ test, tenant } = await startScim())
})
afterAll(() => test.close())

const address = (domain = 'example.com') => `${unique('lise')}@${domain}`

describe('M3 O14 what a directory sends while the maker of its key goes', () => {
  const makes = (key: string) =>
    test.api.send(
      'POST',
      `/scim/v2/${tenant.tenantId}/Users`,
      { schemas: [USER], userName: address() },
      as(key),
    )
  const changes = async (key: string) => {
    const { id } = await tenant.user(address())
    const body = { schemas: [PATCH], Operations: [{ op: 'replace', path: 'title', value: 'Boss' }] }
    return () => test.api.send('PATCH', `/scim/v2/${tenant.tenantId}/Users/${id}`, body, as(key))
  }
  const as = (key: string) => ({ token: key, headers: { 'content-type': 'application/scim+json' } })

  it.each([
    ['makes no user', async (key: string) => () => makes(key)],
    ['changes no user', changes],
  ])('%s', async (_, prepare) => {
    const admin = await addLinked(test, tenant.tenantId, 'admin')
    const call = { token: admin.tenantToken, tenantId: tenant.tenantId }
    const { key } = await makeKey(test, call, ['directory.provision'])
    const act = await prepare(key)
    const lock = 'SELECT FROM organization_policy FOR UPDATE'
    const [reply] = await whileHeld(test, tenant.tenantId, lock, async (held) => {
      const acting = act()
      await held.waiting(1, acting)
      await held.run(`UPDATE users SET is_active = false WHERE id = '${admin.memberId}'`)
      return [acting]
    })
    expect(reply).toMatchObject(scimError(403))
  })
})

it('allowed_email_domains bind the directory too when it changes an address', async () => {
  const call = { token: tenant.owner.tenantToken, tenantId: tenant.tenantId }
  const { id } = await tenant.user(address())
  const allow = (domains: readonly string[]) =>
    test.api.patch('/organization', { allowed_email_domains: domains }, call)
  expect((await allow(['corp.example'])).status).toBe(200)
  const path = 'emails[type eq "work"].value'
  const value = address('elsewhere.example')
  expect(await tenant.patch(`/Users/${id}`, { op: 'replace', path, value })).toMatchObject(scimError(403))
  const put = { schemas: [USER], userName: 'x', emails: [{ value }] }
  expect(await tenant.send('PUT', `/Users/${id}`, put)).toMatchObject(scimError(403))
  // Who has an address of another domain from before stays as it is.
  expect((await tenant.patch(`/Users/${id}`, { op: 'add', path: 'title', value: 'Dr' })).status).toBe(200)
  const within = { op: 'replace', path, value: address('corp.example') }
  expect((await tenant.patch(`/Users/${id}`, within)).status).toBe(200)
  await allow([])
})

it.each(['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+23:59', '9999-12-31T23:59:59-23:59'])(
  'O14 a filter by the time %s is answered, or refused',
  async (time) => {
    const filter = encodeURIComponent(`meta.created gt "${time}"`)
    const { status, text } = await tenant.send('GET', `/Users?filter=${filter}`)
    expect([200, 400], text).toContain(status)
  },
)
