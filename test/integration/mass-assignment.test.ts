import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { newId } from '../../src/platform/index.ts'
import type { UserService } from '../../src/users/index.ts'
import { PASSWORD, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
let member: SignedInUser
let tenantId: string
beforeAll(async () => {
  test = await startCheckedPlatform()
  owner = await test.api.register()
  tenantId = (await test.api.createOrganization(owner)).id
  member = await test.api.register({ tenantId })
})
afterAll(() => test.close())

const unknown = (name: string) => ({
  status: 422,
  body: { code: 'validation-failed', errors: [{ pointer: `/${name}`, code: 'unknown-property' }] },
})

describe('G1 a registration', () => {
  it.each<readonly [string, unknown]>([
    ['id', newId()],
    ['role', 'owner'],
    ['scope', 'core'],
    ['is_owner', true],
    ['isAdmin', true],
    ['is_active', true],
    ['emailVerified', true],
    ['status', 'active'],
    ['tenant_id', newId()],
    ['tenantId', newId()],
    ['core_user_id', newId()],
    ['created_at', '2000-01-01T00:00:00Z'],
    ['password_hash', '$2b$12$x'],
    ['passwordHash', '$2b$12$x'],
    ['metadata', {}],
  ])('with %s is refused whole: 422', async (name, value) => {
    const email = `${unique('mass')}@example.com`
    for (const realm of [undefined, tenantId]) {
      const body = { email, password: PASSWORD, [name]: value }
      expect(await test.api.post('/auth/register', body, { tenantId: realm })).toMatchObject(unknown(name))
    }
    const rows = sql`SELECT id FROM users WHERE email = ${email}`
    expect(await inCore(test.platform, rows)).toEqual([])
    expect(await inTenant(test.platform, tenantId, rows)).toEqual([])
  })

  it('makes a row with the defaults', async () => {
    const columns = sql`is_active, created_at = updated_at AS untouched`
    const person = await test.api.register()
    expect(await inCore(test.platform, sql`SELECT ${columns} FROM users WHERE id = ${person.id}`)).toEqual([
      { is_active: true, untouched: true },
    ])
    expect(
      await inTenant(
        test.platform,
        tenantId,
        sql`SELECT ${columns}, is_owner, role, core_user_id, metadata FROM users WHERE id = ${member.id}`,
      ),
    ).toEqual([
      {
        is_active: true,
        untouched: true,
        is_owner: false,
        role: 'member',
        core_user_id: null,
        metadata: {},
      },
    ])
  })
})

it.each(['tenant_id', 'scope', 'remember', 'user_id'])('G1 a login with %s is refused: 422', async (name) => {
  const body = { email: owner.email, password: owner.password, [name]: tenantId }
  expect(await test.api.post('/auth/login', body)).toMatchObject(unknown(name))
})

it('G1 a refresh takes the token and nothing else', async () => {
  const body = { refresh_token: owner.refreshToken, scope: 'tenant' }
  expect(await test.api.post('/auth/refresh', body)).toMatchObject(unknown('scope'))
  expect((await test.api.post('/auth/refresh', { refresh_token: owner.refreshToken })).status).toBe(200)
})

describe('G2 a profile update', () => {
  it.each<readonly [string, unknown]>([
    ['id', newId()],
    ['email', 'eve@example.com'],
    ['role', 'owner'],
    ['is_owner', true],
    ['is_active', true],
    ['isOwner', true],
    ['tenant_id', newId()],
    ['core_user_id', newId()],
    ['mfa', false],
    ['password', 'another password'],
    ['password_hash', '$2b$12$x'],
    ['created_at', '2000-01-01T00:00:00Z'],
    ['updated_at', '2000-01-01T00:00:00Z'],
  ])('with %s is refused whole: 422', async (name, value) => {
    const call = { token: member.token, tenantId }
    const before = (await test.api.get('/users/me', call)).body
    const reply = await test.api.put('/users/me', { phone: '112', [name]: value }, call)
    expect(reply).toMatchObject(unknown(name))
    expect((await test.api.get('/users/me', call)).body).toEqual(before)
  })
})

describe('G3 a new organization', () => {
  it.each<readonly [string, unknown]>([
    ['id', newId()],
    ['owner_id', newId()],
    ['ownerId', newId()],
    ['database_name', 'postgres'],
    ['databaseName', 'postgres'],
    ['dbUrl', 'postgres'],
    ['status', 'active'],
    ['is_active', false],
    ['plan', 'enterprise'],
    ['template', 'template0'],
    ['created_at', '2000-01-01T00:00:00Z'],
  ])('with %s is refused, and nothing is made: 422', async (name, value) => {
    const slug = unique('mass')
    const body = { name: 'Mass', slug, [name]: value }
    expect(await test.api.post('/organizations', body, { token: owner.token })).toMatchObject(unknown(name))
    expect(await inCore(test.platform, sql`SELECT id FROM organizations WHERE slug = ${slug}`)).toEqual([])
  })
})

describe('G6 an answer', () => {
  /** Every object in a schema lists what it has, so that an answer that is valid has nothing else. */
  function openObjects(schema: unknown, path: string): string[] {
    if (typeof schema !== 'object' || schema === null) return []
    const isOpen =
      'properties' in schema && (!('additionalProperties' in schema) || schema.additionalProperties !== false)
    return [
      ...(isOpen ? [path] : []),
      ...Object.entries(schema).flatMap(([key, inner]) => openObjects(inner, `${path}/${key}`)),
    ]
  }

  it('has the fields of its schema and no other', async () => {
    const { paths, components } = (await test.app.inject({ url: '/openapi.json' })).json()
    const operations = Object.entries<Record<string, { responses: object }>>(paths)
      .filter(([path]) => path.startsWith('/api/'))
      .flatMap(([, methods]) => Object.values(methods))
    const successes = operations.flatMap(({ responses }) =>
      Object.entries(responses).filter(([status]) => status.startsWith('2')),
    )
    expect(successes.length).toBeGreaterThanOrEqual(operations.length)
    expect(successes.flatMap(([, response]) => openObjects(response, 'response'))).toEqual([])
    const { Problem: _, ...schemas } = components.schemas
    expect(openObjects(schemas, 'schemas')).toEqual([])
  })

  it('drops what a service hands out by mistake', async () => {
    const { users } = test.platform
    const changeProfile: UserService['changeProfile'] = async (...args) => ({
      ...(await users.changeProfile(...args)),
      passwordHash: '$argon2id$leak',
      password_hash: '$argon2id$leak',
      role_password: 'leak',
    })
    const app = await createApp({ ...test.platform, users: { changeProfile } })
    try {
      const reply = await app.inject({
        method: 'PUT',
        url: '/api/v1/users/me',
        headers: { authorization: `Bearer ${member.token}`, 'x-tenant-id': tenantId },
        payload: { phone: '112' },
      })
      expect(reply.statusCode).toBe(200)
      expect(reply.body).not.toContain('leak')
    } finally {
      await app.close()
    }
  })
})
