import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import type { TestProject } from 'vitest/node'
import { migrateUp, readMigrations } from '../../src/migrations/index.ts'
import {
  acquireEmbeddedPostgres,
  MAINTENANCE_TIMEOUTS,
  withConnection,
  withDatabase,
} from '../../src/platform/index.ts'
import { PASSWORD, SecretBook, TEST_SECRET } from './secrets/index.ts'

const INSTALLATION = '7e570000-0000-4000-8000-000000000000'
const CORE_TEMPLATE = 'tenantry_test_core_template'
const CONNECTION = { applicationName: 'tenantry tests', timeouts: MAINTENANCE_TIMEOUTS }

declare module 'vitest' {
  interface ProvidedContext {
    /** A server for tests: the platform's role, which is no superuser. */
    readonly postgresUrl: string
    /** The same server's superuser; undefined where the tests run on a server of somebody else's. */
    readonly postgresAdminUrl: string | undefined
    /** A migrated core database, to be cloned. */
    readonly coreTemplate: string
  }
}

/**
 * One PostgreSQL server for the whole run: the embedded one in a directory of its own, or that of TEST_DATABASE_URL,
 * whose role needs CREATEDB and CREATEROLE.
 */
export async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env['TEST_DATABASE_URL']
  if (given !== undefined) {
    await makeCoreTemplate(given)
    provide('postgresUrl', given)
    provide('postgresAdminUrl', undefined)
    provide('coreTemplate', CORE_TEMPLATE)
    return () => dropTemplates(given)
  }
  const dataDir = await mkdtemp(join(tmpdir(), 'tenantry-test-'))
  const postgres = await acquireEmbeddedPostgres({ dataDir, durable: false })
  await makeCoreTemplate(postgres.url)
  provide('postgresUrl', postgres.url)
  provide('postgresAdminUrl', postgres.adminUrl)
  provide('coreTemplate', CORE_TEMPLATE)
  return async () => {
    await postgres.release()
    await checkServerLog(`${postgres.location}.log`, [postgres.url, postgres.adminUrl])
    await rm(dataDir, { recursive: true, force: true })
  }
}

/** O16: what all tests together left in the server's log. */
async function checkServerLog(path: string, urls: readonly string[]): Promise<void> {
  const book = new SecretBook()
  book.learn('a password', PASSWORD)
  book.learn('TENANTRY_SECRET', TEST_SECRET)
  for (const url of urls) book.learnUrl('the password of a role', url)
  book.check('server log', await readFile(path, 'utf8'))
}

async function makeCoreTemplate(url: string): Promise<void> {
  await dropTemplates(url)
  await onDatabase(url, (server) => server.query(`CREATE DATABASE ${CORE_TEMPLATE} TEMPLATE template0`))
  const migrations = await readMigrations(fileURLToPath(new URL('../../migrations/core/', import.meta.url)))
  await onDatabase(withDatabase(url, CORE_TEMPLATE), async (template) => {
    await migrateUp(template, migrations)
    // One identity for every clone, so that all of them share one template of the tenant databases.
    await template.query('INSERT INTO installation (id) VALUES ($1)', [INSTALLATION])
  })
}

async function dropTemplates(url: string): Promise<void> {
  await onDatabase(url, async (server) => {
    const { rows } = await server.query<{ datname: string }>(
      'SELECT datname FROM pg_database WHERE datname = $1 OR datname LIKE $2',
      [CORE_TEMPLATE, `tenantry_template_${INSTALLATION.slice(0, 8)}_%`],
    )
    for (const { datname } of rows) await server.query(`DROP DATABASE "${datname}"`)
    await server.query(`DROP ROLE IF EXISTS "tenantry_tenants_${INSTALLATION.slice(0, 8)}"`)
  })
}

async function onDatabase(url: string, work: (connection: pg.Client) => Promise<unknown>): Promise<void> {
  await withConnection({ ...CONNECTION, url }, work)
}
