import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import { call, newPerson } from './api.ts'

const NOBODYS_TENANT = '01990000-0000-7000-8000-000000000000'

/** Plays all that a product does by hand: from the first registration to a refused look at another tenant. */
export async function playFlow(url: string): Promise<void> {
  const owner = newPerson('owner')
  const member = newPerson('member')
  const suffix = randomBytes(4).toString('hex')

  const registered = await call(url, 'POST /auth/register', { body: { ...owner, full_name: 'Olga Owner' } })
  expect(registered).toMatchObject({ status: 201, body: { scope: 'core', user: { email: owner.email } } })
  const core = await call(url, 'POST /auth/login', { body: owner })
  expect(core).toMatchObject({ status: 200, body: { scope: 'core', token_type: 'bearer' } })
  const coreToken: string = core.body.access_token

  const acme = await call(url, 'POST /organizations', { token: coreToken, body: { name: `Acme ${suffix}` } })
  expect(acme).toMatchObject({
    status: 201,
    body: { slug: `acme-${suffix}`, status: 'active', is_active: true },
  })
  const tenantId: string = acme.body.id
  expect(acme.body).toMatchObject({ database_name: `tenant_${tenantId}`, owner_id: core.body.user.id })
  const other = await call(url, 'POST /organizations', {
    token: coreToken,
    body: { name: `Globex ${suffix}` },
  })
  const mine = await call(url, 'GET /organizations/me', { token: coreToken })
  expect(mine).toMatchObject({ status: 200, body: [acme.body, other.body] })
  expect(await call(url, `GET /organizations/${tenantId}`, { token: coreToken })).toMatchObject({
    status: 200,
    body: acme.body,
  })

  const joined = await call(url, 'POST /auth/register', {
    tenantId,
    body: { ...member, full_name: 'Mia Member' },
  })
  expect(joined).toMatchObject({ status: 201, body: { scope: 'tenant', tenant_id: tenantId } })
  const tenant = await call(url, 'POST /auth/login', { tenantId, body: member })
  expect(tenant).toMatchObject({ status: 200, body: { user: { is_owner: false } } })
  const as = { tenantId, token: tenant.body.access_token as string }
  expect(await call(url, 'GET /users/me', as)).toMatchObject({
    status: 200,
    body: { full_name: 'Mia Member' },
  })
  const changes = { phone: '+49 30 123456', metadata: { theme: 'dark' } }
  expect(await call(url, 'PUT /users/me', { ...as, body: changes })).toMatchObject({
    status: 200,
    body: changes,
  })

  const linked = await call(url, 'POST /auth/login', { tenantId, body: owner })
  expect(linked).toMatchObject({ status: 200, body: { user: { email: owner.email, is_owner: true } } })

  const body = { refresh_token: tenant.body.refresh_token }
  const refreshed = await call(url, 'POST /auth/refresh', { tenantId, body })
  expect(refreshed).toMatchObject({ status: 200, body: { scope: 'tenant', tenant_id: tenantId } })
  const fresh = { tenantId, token: refreshed.body.access_token as string }
  expect(await call(url, 'GET /users/me', fresh)).toMatchObject({
    status: 200,
    body: { email: member.email },
  })

  for (const foreign of [other.body.id as string, NOBODYS_TENANT]) {
    const refused = await call(url, 'GET /users/me', { token: as.token, tenantId: foreign })
    expect(refused).toMatchObject({ status: 403, body: { code: 'tenant-mismatch' } })
    expect(refused.headers.get('content-type')).toMatch(/^application\/problem\+json/)
  }
  expect((await call(url, 'GET /users/me', { token: as.token })).status).toBe(400)
  expect((await call(url, 'GET /users/me', { token: coreToken, tenantId })).status).toBe(403)
}
