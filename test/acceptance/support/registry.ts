import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import { expect } from 'vitest'
import { eventually } from './poll.ts'
import { PROJECT } from './project.ts'
import { connectTo } from './running-postgres.ts'

/** A cluster with a core database in it. */
export interface Registry {
  /** The superuser's. */
  readonly adminUrl: string
  readonly core: string
}

interface Tenant {
  readonly id: string
  readonly status: string
  readonly slug: string | null
  readonly owner: string | null
}

const NEWEST_MIGRATION = readdirSync(join(PROJECT, 'migrations/tenant'))
  .flatMap((name) => /^(\d+)_.*[.]sql$/.exec(name)?.[1] ?? [])
  .sort()
  .at(-1)

/** Waits until nobody works on any tenant any more, and no news is due. */
export async function untilAllIsDone({ adminUrl, core }: Registry): Promise<void> {
  const unfinished = `SELECT id, status, provisioning_step, last_error FROM tenants
    WHERE status NOT IN ('active', 'spare') OR is_created_event_due`
  let left: unknown[] = []
  await inDatabase(adminUrl, core, (client) =>
    eventually(
      'the end of all that was interrupted',
      async () => {
        left = (await client.query(unfinished)).rows
        return left.length === 0
      },
      { withinMs: 30_000, evidence: () => JSON.stringify(left) },
    ),
  )
}

/**
 * Compares what is recorded with what is there: every tenant is active and has an organization, or a spare and has none;
 * each has its database and role, whole and closed to others; and no database or role is there that is not recorded.
 *
 * @returns ids of the spares, and slugs of the organizations, in order
 */
export async function expectRegistryWhole({ adminUrl, core }: Registry) {
  const tenants = await inDatabase(adminUrl, core, readTenants)
  for (const { id, status, slug } of tenants)
    expect(`${id} ${status} ${slug === null}`).toBe(
      `${id} ${slug === null ? 'spare' : 'active'} ${slug === null}`,
    )
  const names = tenants.map(({ id }) => `tenant_${id}`).sort()
  await inDatabase(adminUrl, 'postgres', async (server) => {
    expect(await column(server, "SELECT datname FROM pg_database WHERE datname LIKE 'tenant\\_%'")).toEqual(
      names,
    )
    expect(await column(server, "SELECT rolname FROM pg_roles WHERE rolname LIKE 'tenant\\_%'")).toEqual(
      names,
    )
    expect(
      await column(server, "SELECT datname FROM pg_database WHERE datname LIKE 'tenantry\\_template\\_%'"),
    ).toHaveLength(1)
    for (const tenant of tenants) await expectOwnDoor(server, tenant)
  })
  for (const tenant of tenants)
    await inDatabase(adminUrl, `tenant_${tenant.id}`, (database) => expectFurnished(database, tenant))
  return {
    spares: tenants.filter(({ slug }) => slug === null).map(({ id }) => id),
    organizations: tenants.flatMap(({ slug }) => slug ?? []).sort(),
  }
}

async function readTenants(core: pg.Client): Promise<Tenant[]> {
  expect(
    await column(
      core,
      'SELECT o.id::text FROM organizations o LEFT JOIN tenants t USING (id) WHERE t.id IS NULL',
    ),
  ).toEqual([])
  const { rows } = await core.query(`
    SELECT t.id, t.status, t.schema_version, t.claim_token, t.last_error, t.is_created_event_due, o.slug, o.owner_id AS owner
      FROM tenants t LEFT JOIN organizations o USING (id) ORDER BY t.id`)
  for (const { id, schema_version, claim_token, last_error, is_created_event_due } of rows)
    expect({ id, schema_version, claim_token, last_error, is_created_event_due }).toEqual({
      id,
      schema_version: NEWEST_MIGRATION,
      claim_token: null,
      last_error: null,
      is_created_event_due: false,
    })
  return rows
}

/** Its role, and of all roles only that one, may enter. */
async function expectOwnDoor(server: pg.Client, { id }: Tenant): Promise<void> {
  const { rows } = await server.query(
    `SELECT datallowconn AS open, shobj_description(d.oid, 'pg_database') AS mark, r.rolcanlogin AS login,
            array_length(r.rolconfig, 1) > 0 AS limited,
            ARRAY(SELECT a.grantee::regrole || ' ' || privilege_type FROM aclexplode(datacl) a WHERE grantee <> datdba) AS rights,
            ARRAY(SELECT left(m.roleid::regrole::text, 16) FROM pg_auth_members m WHERE m.member = r.oid) AS groups
       FROM pg_database d JOIN pg_roles r ON r.rolname = d.datname WHERE datname = $1`,
    [`tenant_${id}`],
  )
  expect(rows).toEqual([
    {
      open: true,
      mark: expect.stringContaining(id),
      login: true,
      limited: true,
      rights: [`"tenant_${id}" CONNECT`],
      groups: ['tenantry_tenants'],
    },
  ])
}

/** It says whose it is, holds every migration, and its owner and nobody else is in it. */
async function expectFurnished(database: pg.Client, { id, owner }: Tenant): Promise<void> {
  const { rows } = await database.query(`
    SELECT (SELECT organization_id FROM tenant_identity) AS identity,
           (SELECT max(version) FROM tenantry.migrations) AS version,
           ARRAY(SELECT core_user_id::text FROM users WHERE is_owner) AS owners,
           (SELECT count(*)::int FROM users) AS users`)
  const owners = owner === null ? [] : [owner]
  expect(rows).toEqual([{ identity: id, version: NEWEST_MIGRATION, owners, users: owners.length }])
}

async function column(client: pg.Client, query: string): Promise<string[]> {
  const { rows } = await client.query({ text: query, rowMode: 'array' })
  return rows.map(([value]) => String(value)).sort()
}

async function inDatabase<T>(url: string, database: string, work: (client: pg.Client) => Promise<T>) {
  const there = new URL(url)
  there.pathname = `/${database}`
  const client = await connectTo(there.href)
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}
