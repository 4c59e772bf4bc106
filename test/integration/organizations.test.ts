import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { ACCESS_TOKEN, ID, REFRESH_TOKEN, TIME } from '../support/shapes.ts'

let test: CheckedPlatform
let ann: SignedInUser
let bob: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform()
  ann = await test.api.register({ fullName: 'Ann Lee' })
  bob = await test.api.register()
})
afterAll(() => test.close())

const create = (owner: SignedInUser, body: object) =>
  test.api.post('/organizations', body, { token: owner.token })
const read = (reader: SignedInUser, id: string) =>
  test.api.get(`/organizations/${id}`, { token: reader.token })

describe('an organization', () => {
  it('is created ready to use: 201, Location, and nothing but what the contract lists', async () => {
    const name = unique('Acme')
    const reply = await create(ann, { name })
    expect(reply.status).toBe(201)
    const { id } = reply.body
    expect(reply.body).toEqual({
      id: expect.stringMatching(ID),
      name,
      slug: name.toLowerCase(),
      database_name: `tenant_${id}`,
      owner_id: ann.id,
      is_active: true,
      status: 'active',
      created_at: expect.stringMatching(TIME),
      updated_at: expect.stringMatching(TIME),
    })
    expect(reply.headers['location']).toBe(`/api/v1/organizations/${id}`)
    const found = await test.api.send('GET', reply.headers['location'] ?? '', undefined, { token: ann.token })
    expect(found).toMatchObject({ status: 200, body: reply.body })
  })

  it('has a database of its own, migrated to what the core database says of it', async () => {
    const { id, database_name } = await test.api.createOrganization(ann)
    const { rows } = await onServer((server) =>
      server.query('SELECT datallowconn FROM pg_database WHERE datname = $1', [database_name]),
    )
    expect(rows).toEqual([{ datallowconn: true }])
    const [recorded] = await inCore<{ schema_version: string; migrations_applied: number }>(
      test.platform,
      sql`SELECT schema_version, migrations_applied FROM tenants WHERE id = ${id}`,
    )
    const applied = await inTenant<{ version: string }>(
      test.platform,
      id,
      sql`SELECT version FROM tenantry.migrations ORDER BY version`,
    )
    expect(applied).toHaveLength(recorded?.migrations_applied ?? -1)
    expect(applied.at(-1)?.version).toBe(recorded?.schema_version)
  })

  it('has its owner in it, linked and without a password there', async () => {
    const { id } = await test.api.createOrganization(ann)
    const users = await inTenant(
      test.platform,
      id,
      sql`SELECT core_user_id, email, full_name, password_hash, is_owner, is_active, role FROM users`,
    )
    expect(users).toEqual([
      {
        core_user_id: ann.id,
        email: ann.email,
        full_name: 'Ann Lee',
        password_hash: null,
        is_owner: true,
        is_active: true,
        role: 'owner',
      },
    ])
  })

  it('lets its owner in with the core password', async () => {
    const { id } = await test.api.createOrganization(ann)
    const credentials = { email: ann.email.toUpperCase(), password: ann.password }
    const reply = await test.api.post('/auth/login', credentials, { tenantId: id })
    expect(reply.status).toBe(200)
    expect(reply.body).toEqual({
      user: {
        id: expect.stringMatching(ID),
        email: ann.email,
        email_verified: false,
        full_name: 'Ann Lee',
        is_active: true,
        is_owner: true,
      },
      access_token: expect.stringMatching(ACCESS_TOKEN),
      token_type: 'bearer',
      expires_in: 600,
      refresh_token: expect.stringMatching(REFRESH_TOKEN),
      scope: 'tenant',
      tenant_id: id,
    })
    const profile = await test.api.get('/users/me', { token: reply.body.access_token, tenantId: id })
    expect(profile).toMatchObject({ status: 200, body: { email: ann.email, is_owner: true, role: 'owner' } })
  })

  it('is listed to its owner alone, oldest first', async () => {
    const cleo = await test.api.register()
    expect(await test.api.get('/organizations/me', { token: cleo.token })).toMatchObject({
      status: 200,
      body: [],
    })
    const created: object[] = []
    for (const name of ['Zebra', 'Aardvark', 'Middle'])
      created.push((await create(cleo, { name: unique(name) })).body)
    await test.api.createOrganization(bob)
    const listed = await test.api.get('/organizations/me', { token: cleo.token })
    expect(listed.status).toBe(200)
    expect(listed.body).toEqual(created.map((body) => ({ ...body, role: 'owner' })))
  })

  it('is not there for anybody else: 404, the same as for an id that nobody has', async () => {
    const { id } = await test.api.createOrganization(ann)
    const [foreign, unknown] = [await read(bob, id), await read(bob, '0199aaaa-0000-7000-8000-000000000000')]
    expect(foreign).toMatchObject({ status: 404, body: { code: 'not-found' } })
    expect({ ...foreign.body, instance: '' }).toEqual({ ...unknown.body, instance: '' })
  })

  it.each(['me2', '1', 'null', 'ACME', '%7Bid%7D', '0199AAAA-0000-7000-8000-000000000000'])(
    'is not looked for under %s: 422',
    async (id) => {
      const reply = await read(ann, id)
      expect(reply).toMatchObject({ status: 422, body: { errors: [{ pointer: '#/params/id' }] } })
    },
  )

  it('shares nothing with another one of the same owner', async () => {
    const [one, other] = [await test.api.createOrganization(ann), await test.api.createOrganization(ann)]
    expect(one.id).not.toBe(other.id)
    expect(one.database_name).not.toBe(other.database_name)
    const inOne = await test.api.login(ann, one.id)
    const inOther = await test.api.login(ann, other.id)
    expect(inOne.id).not.toBe(inOther.id)
    await test.api.put('/users/me', { phone: '+44 1 000' }, { token: inOne.token, tenantId: one.id })
    const profile = await test.api.get('/users/me', { token: inOther.token, tenantId: other.id })
    expect(profile.body.phone).toBeNull()
  })
})

describe('its slug', () => {
  it('is made of the name', async () => {
    const reply = await create(ann, { name: 'Müller & Söhne GmbH' })
    expect(reply).toMatchObject({ status: 201, body: { slug: 'muller-sohne-gmbh' } })
  })

  it('gets a number where the name was used before, by whomever', async () => {
    const name = unique('Twice')
    await create(ann, { name })
    for (const owner of [ann, bob]) {
      const reply = await create(owner, { name })
      expect(reply.status).toBe(201)
      expect(reply.body.slug).toMatch(new RegExp(`^${name.toLowerCase()}-\\d{1,6}$`))
    }
  })

  it.each(['株式会社', '42', '---', 'Admin'])('is made up for %s', async (name) => {
    const reply = await create(ann, { name })
    expect(reply.status).toBe(201)
    expect(reply.body).toMatchObject({ name, slug: expect.stringMatching(/^org(-\d+)?$/) })
  })

  it('is taken as it is given', async () => {
    const slug = unique('slug')
    expect(await create(ann, { name: 'Anything', slug })).toMatchObject({ status: 201, body: { slug } })
    for (const owner of [ann, bob]) {
      const again = await create(owner, { name: 'Another name', slug })
      expect(again).toMatchObject({ status: 409, body: { code: 'slug-taken' } })
      expect(again.headers).not.toHaveProperty('location')
    }
  })

  it.each([
    ['Acme', 'invalid-format'],
    ['1acme', 'invalid-format'],
    ['-acme', 'invalid-format'],
    ['аcme', 'invalid-format'],
    ['acmé', 'invalid-format'],
    ['template1', 'reserved'],
    ['admin', 'reserved'],
    ['', 'too-short'],
    ['a'.repeat(64), 'too-long'],
  ])('D9 is refused as %j: 422 %s', async (slug, code) => {
    const reply = await create(ann, { name: 'Acme', slug })
    expect(reply).toMatchObject({ status: 422, body: { errors: [{ pointer: '/slug', code }] } })
  })

  it('D9 may have 63 characters', async () => {
    const slug = unique('long').padEnd(63, 'x')
    expect(await create(ann, { name: 'Acme', slug })).toMatchObject({ status: 201, body: { slug } })
  })
})
