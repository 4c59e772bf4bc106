import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MIGRATIONS } from '../../src/compose.ts'
import { printMigration, readMigrations } from '../../src/migrations/index.ts'
import { organizationHooks } from '../../src/organizations/index.ts'
import { createSecretBox, newId, systemClock } from '../../src/platform/index.ts'
import { createTenancy } from '../../src/tenancy/index.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import type { CheckedPlatform } from '../support/checked-platform.ts'
import { onServer } from '../support/databases.ts'
import { TEST_SECRET, templateDatabases } from '../support/platform.ts'
import { inCore, inTenant } from '../support/rows.ts'
import { startTwoProcesses, type TwoProcesses } from '../support/two-processes.ts'

let two: TwoProcesses
let one: CheckedPlatform
let other: CheckedPlatform
let owner: SignedInUser
beforeAll(async () => {
  two = await startTwoProcesses({ ownTemplate: true })
  ;({ one, other } = two)
  owner = await one.api.register()
  await one.platform.tenancy.prepare()
})
afterAll(() => two.close())

const provisioner = () => one.platform.tenancy.provisioner

/** An organization that is reserved, and nothing else of it done. */
function reserve(name = 'Abandoned') {
  const id = newId()
  return one.platform.core.transaction(async (tx) => {
    const claim = await provisioner().reserve(tx, id)
    const slug = unique('abandoned')
    await tx.orm.execute(
      sql`INSERT INTO organizations (id, name, slug, owner_id) VALUES (${id}, ${name}, ${slug}, ${owner.id})`,
    )
    return claim
  })
}

/** What a process leaves that dies right after it reserved an organization, a minute later. */
async function abandon(name?: string): Promise<{ id: string; databaseName: string }> {
  const { tenantId: id, databaseName } = await reserve(name)
  await expire(id)
  return { id, databaseName }
}

/** Lets the claim run out, or the pause after a failure. */
async function expire(id: string): Promise<void> {
  await inCore(
    one.platform,
    sql`UPDATE tenants SET claimed_until = now() - interval '1 second' WHERE id = ${id}`,
  )
}

async function cloneTemplate(databaseName: string, rest = ''): Promise<void> {
  const [template] = await templateDatabases(one.platform)
  await onServer((server) => server.query(`CREATE DATABASE "${databaseName}" TEMPLATE "${template}" ${rest}`))
}

async function stateOf(id: string) {
  const [row] = await inCore<{ status: string; provisioning_attempts: number }>(
    one.platform,
    sql`SELECT status, provisioning_attempts FROM tenants WHERE id = ${id}`,
  )
  return row
}

async function eventsOf(id: string): Promise<number> {
  return await two.countEvents('organization.created', 'organizationId', id)
}

/** An organization is whole when its owner, and nobody else, is in it and can sign in. */
async function expectWhole(id: string): Promise<void> {
  expect(await stateOf(id)).toMatchObject({ status: 'active' })
  const users = await inTenant(one.platform, id, sql`SELECT core_user_id, is_owner FROM users`)
  expect(users).toEqual([{ core_user_id: owner.id, is_owner: true }])
  await expect(one.api.login(owner, id)).resolves.toMatchObject({ email: owner.email })
  const { rows } = await onServer((server) =>
    server.query(
      `SELECT coalesce(rolname, 'PUBLIC') AS role, array_agg(privilege_type::text ORDER BY 1) AS rights
       FROM pg_database, aclexplode(datacl) LEFT JOIN pg_roles ON pg_roles.oid = grantee
       WHERE datname = $1 AND grantee <> datdba GROUP BY 1`,
      [`tenant_${id}`],
    ),
  )
  expect(rows).toEqual([{ role: `tenant_${id}`, rights: ['CONNECT'] }])
  expect(await eventsOf(id)).toBe(1)
}

describe('a provisioning that was interrupted', () => {
  it.each<readonly [string, (tenant: { id: string; databaseName: string }) => Promise<void>]>([
    ['before its database was made', async () => undefined],
    [
      'when its database was made, and closed',
      ({ databaseName }) => cloneTemplate(databaseName, 'ALLOW_CONNECTIONS false'),
    ],
    [
      'when its database was open',
      async ({ databaseName }) => {
        await cloneTemplate(databaseName, 'ALLOW_CONNECTIONS false')
        await onServer(async (server) => {
          await server.query(`REVOKE ALL ON DATABASE "${databaseName}" FROM PUBLIC`)
          await server.query(`ALTER DATABASE "${databaseName}" ALLOW_CONNECTIONS true`)
        })
      },
    ],
    [
      'when its owner was in it, before it was active',
      async ({ id }) => {
        const { core, events } = one.platform
        const hooks = organizationHooks(core, events)
        // The claim is lost between two steps: from there on this process does no more than a dead one.
        const seed: typeof hooks.seed = async (tenant) => {
          await hooks.seed(tenant)
          await inCore(one.platform, sql`UPDATE tenants SET claim_token = gen_random_uuid() WHERE id = ${id}`)
        }
        provisioner().use({ ...hooks, seed })
        await expect(provisioner().resume(id, 'owner')).resolves.toBe(false)
        provisioner().use(hooks)
        expect(await inCore(one.platform, sql`SELECT status FROM tenants WHERE id = ${id}`)).toEqual([
          { status: 'provisioning' },
        ])
        await expire(id)
      },
    ],
  ])('%s is completed by another process', async (_, leave) => {
    const tenant = await abandon()
    await leave(tenant)
    expect(await eventsOf(tenant.id)).toBe(0)
    await other.platform.tenancy.reconcile()
    await expectWhole(tenant.id)
  })

  it('is left alone while its claim lasts', async () => {
    const { id } = await abandon()
    await inCore(
      one.platform,
      sql`UPDATE tenants SET claimed_until = now() + interval '1 minute' WHERE id = ${id}`,
    )
    await one.platform.tenancy.reconcile()
    expect(await stateOf(id)).toEqual({ status: 'provisioning', provisioning_attempts: 0 })
    await expire(id)
    await one.platform.tenancy.reconcile()
    await expectWhole(id)
  })

  it('is what its owner hears of who asks again, and the next request makes another one', async () => {
    const name = unique('Again')
    const { id } = await abandon(name)
    await other.platform.tenancy.reconcile()
    const create = () => one.api.post('/organizations', { name }, { token: owner.token })
    expect(await create()).toMatchObject({ status: 201, body: { id, name, status: 'active' } })
    const next = await create()
    expect(next).toMatchObject({ status: 201, body: { name, status: 'active' } })
    expect(next.body.id).not.toBe(id)
    await expectWhole(id)
  })

  it('K16 is completed once when two processes come to it at once', async () => {
    const abandoned = [await abandon(), await abandon(), await abandon(), await abandon()]
    await Promise.all([one, other].map(({ platform }) => platform.tenancy.reconcile()))
    for (const { id } of abandoned) await expectWhole(id)
  })

  it('by a process with fewer migrations ends with all of them', async () => {
    const { core, events, log, config } = one.platform
    const directory = await mkdtemp(join(tmpdir(), 'tenantry-reconciler-'))
    for (const { fileName, text } of (await readMigrations(MIGRATIONS.tenant)).files)
      await writeFile(join(directory, fileName), text)
    const text = printMigration({
      up: { sql: 'CREATE TABLE late (id int)' },
      down: { sql: 'DROP TABLE late' },
    })
    await writeFile(join(directory, '20990101000000_late.sql'), text)
    const { id, databaseName } = await abandon()
    await cloneTemplate(databaseName)
    const newer = createTenancy({
      core,
      databaseUrl: one.databaseUrl,
      box: createSecretBox(TEST_SECRET),
      spares: 0,
      tenantMigrations: await readMigrations(directory),
      connections: config.tenantConnections,
      connectionsPerTenant: config.tenantConnectionsPerTenant,
      clock: systemClock,
      log,
    })
    try {
      newer.provisioner.use(organizationHooks(core, events))
      await newer.reconcile()
      const [recorded] = await inCore<{ schema_version: string }>(
        one.platform,
        sql`SELECT schema_version FROM tenants WHERE id = ${id} AND status = 'active'`,
      )
      const late = sql`SELECT to_regclass('late') IS NOT NULL AS there`
      expect(recorded?.schema_version).toBe('20990101000000')
      expect(await inTenant(one.platform, id, late)).toEqual([{ there: true }])
    } finally {
      await newer.close()
      await rm(directory, { recursive: true })
    }
  })
})

it('a request that comes between another’s reservation and its first step holds nothing up', async () => {
  const claim = await reserve()
  const early = provisioner().resume(claim.tenantId, 'owner')
  await Promise.all([early, provisioner().complete(claim)])
  await expectWhole(claim.tenantId)
})

it('K18 one that fails again and again is failed in the end, and stops none of the others', async () => {
  const { core, events } = one.platform
  const poisoned = (await abandon()).id
  const hooks = organizationHooks(core, events)
  provisioner().use({
    ...hooks,
    seed: async (tenant) => {
      if (tenant.tenantId === poisoned) throw new Error('poison')
      await hooks.seed(tenant)
    },
  })
  try {
    for (let attempt = 1; attempt <= 5; attempt++) {
      const healthy = (await abandon()).id
      await one.platform.tenancy.reconcile()
      await expectWhole(healthy)
      const status = attempt < 5 ? 'provisioning' : 'failed'
      expect(await stateOf(poisoned)).toEqual({ status, provisioning_attempts: attempt })
      // In its pause it is not tried.
      await one.platform.tenancy.reconcile()
      expect(await stateOf(poisoned)).toEqual({ status, provisioning_attempts: attempt })
      await expire(poisoned)
    }
    await one.platform.tenancy.reconcile()
    expect(await stateOf(poisoned)).toEqual({ status: 'failed', provisioning_attempts: 5 })
    const lines = one.logged.filter(
      ({ msg, tenant_id }) => msg === 'provisioning failed' && tenant_id === poisoned,
    )
    expect(lines).toHaveLength(5)
    expect(await eventsOf(poisoned)).toBe(0)
  } finally {
    provisioner().use(hooks)
  }
})
