import { inject } from 'vitest'
import { createApp } from '../../src/app.ts'
import { compose, type Platform } from '../../src/compose.ts'
import { type Environment, loadConfig } from '../../src/config.ts'
import type { HttpServer } from '../../src/http/index.ts'
import {
  type Clock,
  type Logger,
  MAINTENANCE_TIMEOUTS,
  systemClock,
  withConnection,
} from '../../src/platform/index.ts'
import type { SsoSurroundings } from '../../src/sso/index.ts'
import { type ApiClient, type ApiExchange, createApiClient } from './api-client.ts'
import { createTestDatabase, onServer } from './databases.ts'
import { recordLog } from './log-recorder.ts'
import { createBook, leaksOf, watchExchange } from './platform-secrets.ts'
import { type SecretBook, TEST_SECRET } from './secrets/index.ts'

export interface TestPlatform {
  readonly platform: Platform
  readonly app: HttpServer
  readonly api: ApiClient
  readonly databaseUrl: string
  /** O16: the secrets that were handed in or got through `api`. A test that has others may teach them to it. */
  readonly secrets: SecretBook
  /**
   * Closes everything and drops every database that it made. Fails when a connection is left over, or when a secret is in
   * what was logged, mailed or stored.
   */
  close(): Promise<void>
}

export interface TestPlatformOptions extends SsoSurroundings {
  readonly env?: Environment
  readonly clock?: Clock
  /** By default one whose lines are searched for secrets at the end. */
  readonly log?: Logger
  /** The core database of another test platform, to stand for a second process beside it. */
  readonly databaseUrl?: string
  /** Where the platform connects instead of the database's own address: a proxy. */
  readonly through?: (databaseUrl: string) => string
  /** An identity, and so a tenant template, that no other test shares: for those that break it. */
  readonly ownTemplate?: boolean
  /** Adds to the application before its first request. */
  readonly extend?: (app: HttpServer, platform: Platform) => void
  /** Sees every exchange of the client. */
  readonly observe?: (exchange: ApiExchange) => void
}

export { TEST_SECRET }

/** The whole application on a core database of its own, driven without a socket. */
export async function startPlatform(options: TestPlatformOptions = {}): Promise<TestPlatform> {
  const written = recordLog()
  const { env = {}, clock = systemClock, log = written.log, through = (url) => url } = options
  const own = options.databaseUrl === undefined ? await createTestDatabase(inject('coreTemplate')) : undefined
  const databaseUrl = options.databaseUrl ?? own?.url ?? ''
  if (options.ownTemplate) await giveOwnIdentity(databaseUrl)
  const config = loadConfig({ NODE_ENV: 'test', RATE_LIMITS: 'off', ...env })
  const platform = await compose({
    config,
    databaseUrl: through(databaseUrl),
    secret: TEST_SECRET,
    clock,
    log,
    ...(options.resolveTxt && { resolveTxt: options.resolveTxt }),
  })
  const app = await createApp(platform)
  options.extend?.(app, platform)
  const secrets = createBook(databaseUrl)
  return {
    platform,
    app,
    api: createApiClient(app, (exchange) => {
      watchExchange(secrets, exchange)
      options.observe?.(exchange)
    }),
    databaseUrl,
    secrets,
    close: async () => {
      await app.close()
      const leaks = await leaksOf(platform, secrets, written.lines, own?.url)
      const databases = own ? await tenantDatabases(platform) : []
      if (options.ownTemplate) databases.push(...(await templateDatabases(platform)))
      const groupRole = `tenantry_tenants_${(await platform.tenancy.installationId()).slice(0, 8)}`
      await platform.close()
      await dropAll(databases)
      if (options.ownTemplate) await dropGroupRole(groupRole)
      await own?.drop()
      if (leaks.length > 0) throw new Error(leaks.join('\n'))
    },
  }
}

/** Databases, and the login roles of the same names that tenants' have. */
async function dropAll(databases: readonly string[]): Promise<void> {
  await onServer(async (server) => {
    for (const name of databases) {
      await server.query(`DROP DATABASE IF EXISTS "${name}"`)
      await server.query(`DROP ROLE IF EXISTS "${name}"`)
    }
  })
}

async function dropGroupRole(name: string): Promise<void> {
  await onServer((server) => server.query(`DROP ROLE IF EXISTS "${name}"`))
}

async function giveOwnIdentity(url: string): Promise<void> {
  const options = { url, applicationName: 'tenantry tests', timeouts: MAINTENANCE_TIMEOUTS }
  await withConnection(options, (core) => core.query('UPDATE installation SET id = gen_random_uuid()'))
}

async function tenantDatabases({ core }: Platform): Promise<string[]> {
  const { rows } = await core.orm.execute<{ database_name: string }>('SELECT database_name FROM tenants')
  return rows.map((row) => row.database_name)
}

/** Templates of this installation, half-built ones included. */
export async function templateDatabases({ tenancy }: Platform): Promise<string[]> {
  const prefix = `tenantry_template_${(await tenancy.installationId()).slice(0, 8)}_`
  const { rows } = await onServer((server) =>
    server.query<{ datname: string }>('SELECT datname FROM pg_database WHERE starts_with(datname, $1)', [
      prefix,
    ]),
  )
  return rows.map((row) => row.datname)
}
