import { sql } from 'drizzle-orm'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  createSecretBox,
  databaseOf,
  ensureDatabase,
  withCredentials,
  withDatabase,
} from '../../src/platform/index.ts'
import { createCredentialVault } from '../../src/tenancy/credentials/vault.ts'
import { type SignedInUser, unique } from '../support/api-client.ts'
import { type CheckedPlatform, startCheckedPlatform } from '../support/checked-platform.ts'
import { TEST_SECRET, templateDatabases } from '../support/platform.ts'
import { inCore } from '../support/rows.ts'
import { hasSuperuser } from '../support/superuser.ts'

let test: CheckedPlatform
let owner: SignedInUser
let mine: string
let others: string
beforeAll(async () => {
  test = await startCheckedPlatform({ env: { TENANT_CONNECTIONS: '1' } })
  // What every start does to the core database.
  await ensureDatabase(test.databaseUrl)
  owner = await test.api.register()
  mine = (await test.api.createOrganization(owner)).id
  others = (await test.api.createOrganization(owner)).id
})
afterAll(() => test.close())

const vault = createCredentialVault(createSecretBox(TEST_SECRET))

async function passwordOf(tenantId: string): Promise<string> {
  const [row] = await inCore<{ sealed_password: string }>(
    test.platform,
    sql`SELECT sealed_password FROM tenants WHERE id = ${tenantId}`,
  )
  return vault.open(tenantId, row?.sealed_password ?? '')
}

/** Logs in as a tenant's role, as somebody would who got hold of its password. */
async function asTenant<T>(tenantId: string, database: string, work: (client: pg.Client) => Promise<T>) {
  const url = withCredentials(test.databaseUrl, `tenant_${tenantId}`, await passwordOf(tenantId))
  const client = new pg.Client({ connectionString: withDatabase(url, database) })
  try {
    await client.connect()
    return await work(client)
  } finally {
    await client.end()
  }
}

const sqlstate = (error: { code?: string }) => error.code

describe('a tenant’s login role', () => {
  it('B16 gets into its own database and into no other', async () => {
    const [template = ''] = await templateDatabases(test.platform)
    const core = databaseOf(test.databaseUrl)
    // What is not the platform's own only an administrator can close: the doctor says how.
    const server = hasSuperuser() ? ['postgres', 'template1'] : []
    for (const database of [`tenant_${others}`, core, template, ...server]) {
      const outcome = asTenant(mine, database, async () => 'came in').catch(sqlstate)
      // A template lets nobody in at all (55000).
      expect(await outcome, database).toMatch(/^(42501|55000)$/)
    }
    expect(await asTenant(mine, `tenant_${mine}`, async () => 'came in')).toBe('came in')
  })

  it.each([
    "COPY users TO PROGRAM 'id'",
    "SELECT pg_read_file('/etc/passwd')",
    'CREATE EXTENSION file_fdw',
    'CREATE TABLE mine (id int)',
    'CREATE TEMP TABLE mine (id int)',
    'CREATE SCHEMA mine',
    'DROP TABLE users',
    'ALTER TABLE users ADD COLUMN more int',
    'TRUNCATE users',
    'UPDATE audit_log SET outcome = outcome',
    'DELETE FROM audit_log',
    "SET tenantry.audit_retention = 'on'; DELETE FROM audit_log",
    'TRUNCATE audit_log',
    'ALTER TABLE audit_log DISABLE TRIGGER ALL',
    'SELECT * FROM tenant_identity',
    'UPDATE tenant_identity SET organization_id = NULL',
    'SELECT * FROM tenantry.migrations',
    'CREATE ROLE more',
    'ALTER ROLE CURRENT_USER CREATEDB',
    'SET SESSION AUTHORIZATION platform_role',
    'SET ROLE platform_role',
    'CREATE DATABASE more',
    "SELECT lo_import('/etc/passwd')",
    'SELECT rolpassword FROM pg_authid',
  ])('B17 may not: %s', async (statement) => {
    const asked = statement.replace('platform_role', new URL(test.databaseUrl).username)
    const outcome = asTenant(mine, `tenant_${mine}`, (client) => client.query(asked)).catch(sqlstate)
    expect(await outcome).toBe('42501')
  })

  it('B18 reads what others are called, and nothing of what they ask or how they log in', async () => {
    const read = (query: string) =>
      asTenant(mine, `tenant_${mine}`, async (client) => (await client.query(query)).rows)
    const sessions = await read(
      `SELECT client_addr, query FROM pg_stat_activity
        WHERE usename <> current_user`,
    )
    expect(sessions.length).toBeGreaterThan(0)
    for (const session of sessions)
      expect(session).toEqual({ client_addr: null, query: '<insufficient privilege>' })
    const names = await read("SELECT datname AS name FROM pg_database WHERE datname LIKE 'tenant\\_%'")
    expect(names.map(({ name }) => name)).toContain(`tenant_${others}`)
    for (const { name } of names) expect(name).toMatch(/^tenant_[0-9a-f-]{36}$/)
    expect(await read('SELECT DISTINCT rolpassword FROM pg_roles')).toEqual([{ rolpassword: '********' }])
    for (const secret of ['pg_authid', 'pg_user_mapping', 'pg_hba_file_rules', 'pg_statistic'])
      await expect(read(`SELECT * FROM ${secret}`).catch(sqlstate), secret).resolves.toBe('42501')
  })

  it('reads and writes rows, under the limits of its role', async () => {
    const shown = await asTenant(mine, `tenant_${mine}`, async (client) => {
      await client.query("UPDATE users SET phone = '1' WHERE is_owner")
      const { rows } = await client.query(
        `SELECT name, setting FROM pg_settings WHERE name IN ('search_path', 'statement_timeout', 'lock_timeout',
           'idle_in_transaction_session_timeout') ORDER BY name`,
      )
      return rows.map(({ name, setting }) => `${name}=${setting}`)
    })
    expect(shown).toEqual([
      'idle_in_transaction_session_timeout=10000',
      'lock_timeout=2000',
      'search_path=public',
      'statement_timeout=5000',
    ])
  })

  it('has a password that lies nowhere in the clear', async () => {
    const password = await passwordOf(mine)
    const dump = JSON.stringify(await inCore(test.platform, sql`SELECT * FROM tenants`))
    expect(dump).not.toContain(password)
    expect(() => vault.open(others, vault.seal(mine, password))).toThrow('belongs to another')
    const stranger = createCredentialVault(createSecretBox('another-secret-of-enough-characters-1'))
    expect(() => stranger.open(mine, vault.seal(mine, password))).toThrow('another secret')
  })
})

describe('a rotation of credentials', () => {
  /** With one connection for two tenants every request opens a connection anew. */
  async function knock(rounds: number): Promise<number[]> {
    const statuses: number[] = []
    for (let round = 0; round < rounds; round++) {
      for (const tenantId of [mine, others]) {
        const { email, password } = owner
        const member = await test.api.post('/auth/login', { email, password }, { tenantId })
        statuses.push(member.status)
      }
    }
    return statuses
  }

  it('fails no request, also in a process that does not know of it', async () => {
    const other = await startCheckedPlatform({ databaseUrl: test.databaseUrl })
    try {
      const before = await passwordOf(mine)
      const load = knock(6)
      for (let rotation = 1; rotation <= 4; rotation++) {
        expect(await other.platform.tenancy.rotateCredentials(mine)).toBe(rotation)
      }
      expect(new Set(await load)).toEqual(new Set([200]))
      expect(await passwordOf(mine)).not.toBe(before)
      expect(await asTenant(mine, `tenant_${mine}`, async () => 'came in')).toBe('came in')
    } finally {
      await other.close()
    }
  })

  it('that was interrupted lets everybody in, and the next one completes it', async () => {
    const next = vault.seal(others, unique('next'))
    await inCore(
      test.platform,
      sql`UPDATE tenants SET sealed_previous_password = sealed_password, sealed_password = ${next},
            credentials_version = credentials_version + 1 WHERE id = ${others}`,
    )
    expect(new Set(await knock(1))).toEqual(new Set([200]))
    await test.platform.tenancy.rotateCredentials(others)
    expect(new Set(await knock(1))).toEqual(new Set([200]))
    const [row] = await inCore(
      test.platform,
      sql`SELECT sealed_previous_password, credentials_version FROM tenants WHERE id = ${others}`,
    )
    expect(row).toEqual({ sealed_previous_password: null, credentials_version: 2 })
  })
})
