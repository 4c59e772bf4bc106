import { sql } from 'drizzle-orm'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createApp } from '../../src/app.ts'
import { createOrganizationService } from '../../src/organizations/index.ts'
import { newId, withDatabase } from '../../src/platform/index.ts'
import { MAIN_SERVER_ID } from '../../src/tenancy/index.ts'
import { ForeignDatabaseError } from '../../src/tenancy/provisioning/steps.ts'
import { createApiClient, type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { tenancyWith, withMigration } from '../support/own-migrations.ts'
import { templateDatabases } from '../support/platform.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { expectSane } from '../support/sane.ts'
import { asSuperuser, hasSuperuser } from '../support/superuser.ts'

let test: CheckedPlatform
let owner: SignedInUser
beforeAll(async () => {
  test = await startCheckedPlatform({ ownTemplate: true, env: { SPARE_DATABASES: '0' } })
  owner = await test.api.register()
  await test.platform.tenancy.prepare()
})
afterAll(() => test.close())

const create = (name: string, faulty = false) =>
  test.api.post('/organizations', { name }, { token: owner.token, faulty })

async function recordOf(name: string) {
  const [row] = await inCore<{ id: string; status: string; attempts: number; last_error: string | null }>(
    test.platform,
    sql`SELECT id, status, provisioning_attempts AS attempts, last_error FROM tenants JOIN organizations USING (id)
      WHERE name = ${name}`,
  )
  if (!row) throw new Error(`${name} is not recorded`)
  return row
}

/** An organization whose first request was interrupted after one step; its claim has run out. */
async function interrupted(name: string): Promise<{ id: string; databaseName: string }> {
  const { core, tenancy } = test.platform
  const claim = await core.transaction(async (tx) => {
    const reserved = await tenancy.provisioner.reserve(tx, newId())
    await tx.orm.execute(
      sql`INSERT INTO organizations (id, name, slug, owner_id)
        VALUES (${reserved.tenantId}, ${name}, ${name.toLowerCase()}, ${owner.id})`,
    )
    return reserved
  })
  await inCore(test.platform, sql`UPDATE tenants SET claimed_until = now() WHERE id = ${claim.tenantId}`)
  return { id: claim.tenantId, databaseName: claim.databaseName }
}

async function expectWhole(id: string): Promise<void> {
  const users = await inTenant(test.platform, id, sql`SELECT core_user_id, is_owner FROM users`)
  expect(users).toEqual([{ core_user_id: owner.id, is_owner: true }])
  await expect(test.api.login(owner, id)).resolves.toMatchObject({ email: owner.email })
}

async function factsOf(databaseName: string) {
  const { rows } = await onServer((server) =>
    server.query(
      `SELECT oid, datacl::text, datallowconn, datconnlimit, shobj_description(oid, 'pg_database') AS mark
         FROM pg_database WHERE datname = $1`,
      [databaseName],
    ),
  )
  return rows
}

describe.runIf(hasSuperuser())('K14 a template', () => {
  it('that somebody is in is waited for: 503, and the request again works when they have gone', async () => {
    const [template = ''] = await templateDatabases(test.platform)
    const name = unique('Crowded')
    const allow = (isAllowed: boolean) =>
      onServer((server) => server.query(`ALTER DATABASE "${template}" ALLOW_CONNECTIONS ${isAllowed}`))
    await allow(true)
    const visitor = new pg.Client({ connectionString: withDatabase(test.databaseUrl, template) })
    await visitor.connect()
    try {
      const reply = await create(name, true)
      expect(reply).toMatchObject({ status: 503, body: { code: 'database-unavailable' } })
      expect(await recordOf(name)).toMatchObject({ status: 'provisioning', attempts: 0 })
    } finally {
      await visitor.end()
      await allow(false)
    }
    expect(await create(name)).toMatchObject({ status: 201, body: { status: 'active' } })
  })

  it('lets nobody in, not even a superuser', async () => {
    const [template = ''] = await templateDatabases(test.platform)
    const admin = await asSuperuser(async (server) => withDatabase(urlOf(server), template))
    for (const connectionString of [admin, withDatabase(test.databaseUrl, template)]) {
      const client = new pg.Client({ connectionString })
      await expect(client.connect()).rejects.toMatchObject({ code: '55000' })
      await client.end()
    }
  })
})

describe('K12 a database whose maker never heard that it was made', () => {
  it('is adopted, because its marker says whose template it is of', async () => {
    const [template] = await templateDatabases(test.platform)
    const { id, databaseName } = await interrupted(unique('Unheard'))
    await onServer((server) =>
      server.query(`CREATE DATABASE "${databaseName}" TEMPLATE "${template}" ALLOW_CONNECTIONS false`),
    )
    const [before] = await factsOf(databaseName)
    await test.platform.tenancy.reconcile()
    const [after] = await factsOf(databaseName)
    expect(after.oid).toBe(before.oid)
    await expectWhole(id)
  })

  it('is left alone where its comment says that it is another’s, though nobody can look into it', async () => {
    const { id, databaseName } = await interrupted(unique('Foreign'))
    await onServer(async (server) => {
      await server.query(`CREATE DATABASE "${databaseName}" TEMPLATE template0 ALLOW_CONNECTIONS false`)
      await server.query(`COMMENT ON DATABASE "${databaseName}" IS 'somebody else’s'`)
    })
    const before = await factsOf(databaseName)
    await expect(test.platform.tenancy.provisioner.resume(id, 'reconciler')).rejects.toThrow(
      ForeignDatabaseError,
    )
    expect(await factsOf(databaseName)).toEqual(before)
    expect(await inCore(test.platform, sql`SELECT status FROM tenants WHERE id = ${id}`)).toEqual([
      { status: 'failed' },
    ])
  })
})

/** What PostgreSQL leaves of a DROP DATABASE that was interrupted (datconnlimit = -2). */
describe.runIf(hasSuperuser())('K19 a half-dropped database', () => {
  const halfDrop = (name: string) =>
    asSuperuser((server) =>
      server.query('UPDATE pg_database SET datconnlimit = -2 WHERE datname = $1', [name]),
    )

  it('is dropped and made anew where its comment proves it ours', async () => {
    const { id, databaseName } = await interrupted(unique('Ours'))
    const { tenancy } = test.platform
    await expect(tenancy.provisioner.resume(id, 'reconciler')).resolves.toBe(true)
    const [before] = await factsOf(databaseName)
    await inCore(
      test.platform,
      sql`UPDATE tenants SET status = 'provisioning', claimed_until = now() WHERE id = ${id}`,
    )
    // A drop is interrupted when all sessions have gone.
    await (await tenancy.servers.get(MAIN_SERVER_ID)).broker.evict(databaseName)
    await halfDrop(databaseName)
    await tenancy.reconcile()
    const [after] = await factsOf(databaseName)
    expect(after).toMatchObject({ datallowconn: true, mark: before.mark })
    expect(after.datconnlimit).toBeGreaterThan(0)
    expect(after.oid).not.toBe(before.oid)
    tenancy.invalidate(id)
    await expectWhole(id)
  })

  it.each(['no comment', 'another’s comment'])('is never dropped where it has %s', async (mark) => {
    const { id, databaseName } = await interrupted(unique('Theirs'))
    await onServer(async (server) => {
      await server.query(`CREATE DATABASE "${databaseName}" TEMPLATE template0`)
      if (mark !== 'no comment')
        await server.query(`COMMENT ON DATABASE "${databaseName}" IS 'Tenantry tenant of somebody else'`)
    })
    await halfDrop(databaseName)
    const before = await factsOf(databaseName)
    await test.platform.tenancy.reconcile()
    expect(await factsOf(databaseName)).toEqual(before)
    const rows = await inCore(test.platform, sql`SELECT status, last_error FROM tenants WHERE id = ${id}`)
    expect(rows).toEqual([{ status: 'failed', last_error: expect.stringContaining('half dropped') }])
  })
})

it('K15 where a migration fails, organizations fail without a word of why, and end once it is mended', async () => {
  const { core, log } = test.platform
  const broken = tenancyWith(test, await withMigration('20990101000000', 'SELECT secret FROM nowhere_at_all'))
  const organizations = createOrganizationService({ core, tenancy: broken, log })
  const app = await createApp({ ...test.platform, tenancy: broken, organizations })
  const api = createApiClient(app, (exchange) => expectSane(exchange, test.contract))
  const name = unique('Unmigrated')
  try {
    for (let attempt = 1; attempt <= 5; attempt++) {
      const reply = await api.post('/organizations', { name }, { token: owner.token, faulty: true })
      expect(reply.status).toBeGreaterThanOrEqual(500)
      expect(reply.text).not.toMatch(/nowhere|secret|migration|2099/)
      const status = attempt < 5 ? 'provisioning' : 'failed'
      expect(await recordOf(name)).toMatchObject({ status, attempts: attempt })
    }
  } finally {
    await app.close()
    await broken.close()
  }
  const { id, last_error } = await recordOf(name)
  expect(last_error).not.toMatch(/postgres:\/\//)
  // No half of a template is left, and no database of the organization.
  expect(await templateDatabases(test.platform)).toHaveLength(1)
  expect(await factsOf(`tenant_${id}`)).toEqual([])
  // Its owner's request with the mended files ends it, under the slug that it kept.
  expect(await create(name)).toMatchObject({ status: 201, body: { id, slug: name.toLowerCase() } })
  await expectWhole(id)
})

function urlOf(client: pg.Client): string {
  const { host, port, user, password } = client
  return `postgres://${user}:${password}@${host}:${port}/postgres`
}
