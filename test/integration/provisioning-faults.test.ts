import { sql } from 'drizzle-orm'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { organizationHooks } from '../../src/organizations/index.ts'
import { newId } from '../../src/platform/index.ts'
import { ForeignDatabaseError } from '../../src/tenancy/provisioning/steps.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { templateDatabases } from '../support/platform.ts'
import { inCore, inTenant } from '../support/rows.ts'

let test: CheckedPlatform
let owner: SignedInUser
const created: unknown[] = []
beforeAll(async () => {
  test = await startCheckedPlatform({ ownTemplate: true })
  test.platform.events.on(
    'organization.created',
    'test',
    ({ payload }) => void created.push(payload.organizationId),
  )
  owner = await test.api.register()
})
afterEach(() => heal())
afterAll(() => test.close())

const hooks = () => organizationHooks(test.platform.core, test.platform.events)
const heal = () => test.platform.tenancy.provisioner.use(hooks())

/** Makes the next tenants fail at their last step. */
function breakSeed(message = 'the disk is on fire'): void {
  const seed = () => Promise.reject(new Error(message))
  test.platform.tenancy.provisioner.use({ ...hooks(), seed })
}

const create = (body: object, faulty = false) =>
  test.api.post('/organizations', body, { token: owner.token, faulty })

async function listed(id: string): Promise<{ status: string }> {
  const { body } = await test.api.get('/organizations/me', { token: owner.token })
  return body.find((organization: { id: string }) => organization.id === id)
}

async function databaseNames(): Promise<string[]> {
  const { rows } = await onServer((server) => server.query('SELECT datname FROM pg_database'))
  return rows.map(({ datname }) => datname)
}

describe('a step that fails', () => {
  it('is answered without a word of why, leaves nothing active, and the same request again ends it', async () => {
    const body = { name: 'Phoenix', slug: unique('phoenix') }
    breakSeed('secret trouble at tenant_x')
    const failed = await create(body, true)
    expect(failed).toMatchObject({ status: 500, body: { code: 'internal-error' } })
    expect(failed.text).not.toContain('trouble')
    expect(failed.headers).not.toHaveProperty('location')

    const [row] = await inCore<{ id: string }>(
      test.platform,
      sql`SELECT id FROM organizations WHERE slug = ${body.slug}`,
    )
    const id = row?.id ?? ''
    expect(await listed(id)).toMatchObject({ status: 'provisioning' })
    const { email, password } = owner
    const login = await test.api.post('/auth/login', { email, password }, { tenantId: id, faulty: true })
    expect(login).toMatchObject({ status: 503, body: { code: 'tenant-not-ready' } })

    heal()
    expect(await create(body)).toMatchObject({ status: 201, body: { id, status: 'active', slug: body.slug } })
    await expect(test.api.login(owner, id)).resolves.toMatchObject({ email })
    await test.platform.events.settle()
    expect(created.filter((made) => made === id)).toHaveLength(1)
  })

  it('is ended by the request again, also where the slug was derived', async () => {
    const name = unique('Derived')
    breakSeed()
    expect((await create({ name }, true)).status).toBe(500)
    heal()
    const again = await create({ name })
    expect(again).toMatchObject({ status: 201, body: { slug: name.toLowerCase() } })
    const rows = await inCore(test.platform, sql`SELECT id FROM organizations WHERE name = ${name}`)
    expect(rows).toEqual([{ id: again.body.id }])
  })

  it('keeps its slug from others meanwhile: 409', async () => {
    const slug = unique('kept')
    breakSeed()
    await create({ name: 'Kept', slug }, true)
    heal()
    const other = await test.api.register()
    const reply = await test.api.post('/organizations', { name: 'Kept', slug }, { token: other.token })
    expect(reply).toMatchObject({ status: 409, body: { code: 'slug-taken' } })
    expect(await create({ name: 'Another name', slug })).toMatchObject({ status: 409 })
    expect((await create({ name: 'Kept', slug })).status).toBe(201)
  })

  it('K18 after five failures is failed, which its owner’s next request takes up at once', async () => {
    const body = { name: 'Fifth', slug: unique('fifth') }
    breakSeed()
    for (let attempt = 0; attempt < 5; attempt++) expect((await create(body, true)).status).toBe(500)
    const [row] = await inCore<{ id: string }>(
      test.platform,
      sql`SELECT id, status, provisioning_attempts, last_error FROM tenants JOIN organizations USING (id) WHERE slug = ${body.slug}`,
    )
    expect(row).toMatchObject({
      status: 'failed',
      provisioning_attempts: 5,
      last_error: 'the disk is on fire',
    })
    heal()
    expect(await create(body)).toMatchObject({ status: 201, body: { id: row?.id, status: 'active' } })
    const after = await inCore(test.platform, sql`SELECT last_error FROM tenants WHERE id = ${row?.id}`)
    expect(after).toEqual([{ last_error: null }])
  })

  it('of telling others does not undo the organization', async () => {
    const activated = () => Promise.reject(new Error('nobody listens'))
    test.platform.tenancy.provisioner.use({ ...hooks(), activated })
    const reply = await create({ name: unique('Untold') })
    expect(reply).toMatchObject({ status: 201, body: { status: 'active' } })
  })
})

describe('the template', () => {
  it('that was dropped is made again for the next organization', async () => {
    await create({ name: unique('Before') })
    const [template] = await templateDatabases(test.platform)
    await onServer((server) => server.query(`DROP DATABASE "${template}"`))
    const reply = await create({ name: unique('After') })
    expect(reply).toMatchObject({ status: 201, body: { status: 'active' } })
    expect(await templateDatabases(test.platform)).toEqual([template])
    const tables = await inTenant(test.platform, reply.body.id, sql`SELECT email FROM users`)
    expect(tables).toEqual([{ email: owner.email }])
  })

  it('H15 is made once by two processes that start at once, and no half of one is left', async () => {
    const one = await startCheckedPlatform({ ownTemplate: true })
    const second = await startCheckedPlatform({ databaseUrl: one.databaseUrl })
    try {
      expect(await templateDatabases(one.platform)).toEqual([])
      await Promise.all([one, second].map(({ platform }) => platform.tenancy.prepare()))
      expect(await templateDatabases(one.platform)).toHaveLength(1)
    } finally {
      await second.close()
      await one.close()
    }
  })
})

describe('K13 a database that has the name already', () => {
  /** A reserved tenant, and a database of its name that somebody made. */
  async function reserveOver(source: string, ...statements: string[]) {
    const { core, tenancy } = test.platform
    const claim = await core.transaction((tx) => tenancy.provisioner.reserve(tx, newId()))
    await onServer((server) => server.query(`CREATE DATABASE "${claim.databaseName}" TEMPLATE "${source}"`))
    if (statements.length > 0)
      await tenancy.maintain(claim, async (database) => {
        for (const statement of statements) await database.query(statement)
      })
    return claim
  }

  it.each<readonly [string, readonly string[] | undefined]>([
    ['nobody’s', undefined],
    ['another installation’s', ['UPDATE tenant_identity SET installation_id = gen_random_uuid()']],
    ['another organization’s', ['UPDATE tenant_identity SET organization_id = gen_random_uuid()']],
    ['one without a marker', ['DELETE FROM tenant_identity']],
  ])('and is %s is not touched, and the tenant fails at once', async (_, statements) => {
    await test.platform.tenancy.prepare()
    const [template = ''] = statements ? await templateDatabases(test.platform) : ['template0']
    if (statements)
      await onServer((server) => server.query(`ALTER DATABASE "${template}" ALLOW_CONNECTIONS true`))
    const claim = await reserveOver(template, ...(statements ?? []))
    const facts = () =>
      onServer((server) =>
        server.query(
          `SELECT oid, datacl, datallowconn, shobj_description(oid, 'pg_database') AS comment FROM pg_database WHERE datname = $1`,
          [claim.databaseName],
        ),
      )
    const before = (await facts()).rows
    expect(before).toHaveLength(1)
    await expect(test.platform.tenancy.provisioner.complete(claim)).rejects.toThrow(ForeignDatabaseError)
    expect((await facts()).rows).toEqual(before)
    const rows = await inCore(
      test.platform,
      sql`SELECT status, provisioning_attempts FROM tenants WHERE id = ${claim.tenantId}`,
    )
    expect(rows).toEqual([{ status: 'failed', provisioning_attempts: 1 }])
    await test.platform.tenancy.reconcile()
    expect(await databaseNames()).toContain(claim.databaseName)
  })
})

it('a claim that another process took over is not worked on any more', async () => {
  const { core, tenancy } = test.platform
  const claim = await core.transaction((tx) => tenancy.provisioner.reserve(tx, newId()))
  await inCore(
    test.platform,
    sql`UPDATE tenants SET claim_token = gen_random_uuid() WHERE id = ${claim.tenantId}`,
  )
  await expect(tenancy.provisioner.complete(claim)).resolves.toBe(false)
  const rows = await inCore(
    test.platform,
    sql`SELECT status, provisioning_attempts, last_error FROM tenants WHERE id = ${claim.tenantId}`,
  )
  expect(rows).toEqual([{ status: 'provisioning', provisioning_attempts: 0, last_error: null }])
})
