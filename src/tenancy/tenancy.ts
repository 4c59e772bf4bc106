import type { MigrationSet } from '../migrations/index.ts'
import {
  type Clock,
  type Connection,
  type ConnectionOptions,
  clientConfig,
  createDatabase,
  createListener,
  createPool,
  currentContext,
  databaseOf,
  describeWork,
  type Id,
  type Logger,
  MAINTENANCE_TIMEOUTS,
  REQUEST_TIMEOUTS,
  runInContext,
  type Timeouts,
  withConnection,
  withDatabase,
} from '../platform/index.ts'
import { ConnectionBroker } from './connection-broker.ts'
import { TenantDirectory } from './directory.ts'
import { tenancyErrors } from './errors.ts'
import { Provisioner } from './provisioner.ts'
import { findOrCreateInstallationId, findTenant } from './store.ts'
import { TenantTemplate } from './template.ts'
import type { CoreDb, TenantDb, TenantRecord } from './types.ts'

export interface TenancyOptions {
  readonly core: CoreDb
  /** The core database's URL; its server holds the tenant databases too. */
  readonly databaseUrl: string
  readonly tenantMigrations: MigrationSet
  readonly connections: number
  readonly connectionsPerTenant: number
  readonly clock: Clock
  readonly log: Logger
  /** Hear of other processes' changes at once, on a connection of its own: for processes that serve. Default false. */
  readonly watch?: boolean
}

/** Tenants and their databases: the only way to a `TenantDb`. */
export interface Tenancy {
  /**
   * Runs `work` with a tenant's database. Inside it, log lines and events carry the tenant; another tenant cannot be
   * entered from there.
   *
   * @throws tenancyErrors.tenantNotFound, tenantSuspended, tenantNotReady
   */
  withTenant<T>(tenantId: Id, work: (tenant: TenantDb) => Promise<T>): Promise<T>
  /** Like `withTenant` for a request, whose context lasts until its answer. Throws what `withTenant` throws. */
  enter(tenantId: Id): Promise<TenantDb>
  /** The tenant's record whatever its status, or `undefined`. */
  find(tenantId: Id): Promise<TenantRecord | undefined>
  /** Forgets what is cached of a tenant after a change. */
  invalidate(tenantId: Id): void
  /** This installation's identity, the same in every process on this core database. */
  installationId(): Promise<Id>
  readonly provisioner: Provisioner
  /** Makes what the first organization would otherwise have to wait for. */
  prepare(): Promise<void>
  /** Connections to tenant databases that are open now. */
  openConnections(): number
  /** A connection for maintenance of one database of the server, outside the broker's limit. */
  maintain<T>(databaseName: string, work: (connection: Connection) => Promise<T>): Promise<T>
  /** Closes every connection; `provisioner.stop()` comes before. */
  close(): Promise<void>
}

const MAX_WAIT_MS = 2_000
/** Each CREATE DATABASE copies megabytes, and the server's disk is everybody's: two at a time, the others wait. */
const PROVISIONING_CONNECTIONS = 2
const PROVISIONING_TIMEOUTS = { ...MAINTENANCE_TIMEOUTS, connect: 60_000 }
const IDLE_MS = 60_000
/** A trigger of the core database tells `<id> <epoch>` here. */
const TENANTS_CHANNEL = 'tenantry_tenants'

/** Wires the directory, the broker, the template and the provisioner of one server. */
export function createTenancy(options: TenancyOptions): Tenancy {
  const { core } = options
  const directory = createDirectory(options)
  const broker = new ConnectionBroker({
    max: options.connections,
    maxPerTenant: options.connectionsPerTenant,
    maxWaitMs: MAX_WAIT_MS,
    idleMs: IDLE_MS,
    configFor: (database) => clientConfig(connectionTo(options, database, REQUEST_TIMEOUTS)),
  })
  const maintain: Tenancy['maintain'] = (database, work) =>
    withConnection(connectionTo(options, database, MAINTENANCE_TIMEOUTS), work)
  const installationId = once(() => findOrCreateInstallationId(core))
  const { server, template, provisioner } = createProvisioning(options, {
    directory,
    broker,
    maintain,
    installationId,
  })
  const admit = createAdmission(directory, broker)

  return {
    withTenant: async (tenantId, work) => {
      const context = currentContext()
      if (context.tenant_id !== undefined && context.tenant_id !== tenantId) {
        throw new Error('another tenant cannot be entered from inside a tenant’s work')
      }
      return await runInContext({ ...context, tenant_id: tenantId }, async () => work(await admit(tenantId)))
    },
    enter: async (tenantId) => {
      const tenant = await admit(tenantId)
      describeWork({ tenant_id: tenantId })
      return tenant
    },
    find: (tenantId) => directory.find(tenantId),
    invalidate: (tenantId) => directory.invalidate(tenantId),
    installationId,
    prepare: async () => void (await server.exclusive((connection) => template.ensure(connection))),
    provisioner,
    openConnections: () => broker.openConnections,
    maintain,
    close: async () => {
      await Promise.all([directory.close(), broker.close(), server.close()])
    },
  }
}

function createDirectory({ core, clock, databaseUrl, watch = false }: TenancyOptions): TenantDirectory {
  const connection = { url: databaseUrl, applicationName: 'tenantry listener', timeouts: REQUEST_TIMEOUTS }
  return new TenantDirectory({
    clock,
    load: (id) => findTenant(core, id),
    ...(watch && {
      listen: (handlers) => createListener({ connection, channel: TENANTS_CHANNEL, ...handlers }),
    }),
  })
}

interface ProvisioningParts {
  readonly directory: TenantDirectory
  readonly broker: ConnectionBroker
  readonly maintain: Tenancy['maintain']
  readonly installationId: () => Promise<Id>
}

function createProvisioning(options: TenancyOptions, parts: ProvisioningParts) {
  const { core, log, databaseUrl, tenantMigrations } = options
  const { directory, broker, maintain, installationId } = parts
  const server = createPool({
    ...connectionTo(options, databaseOf(databaseUrl), PROVISIONING_TIMEOUTS),
    max: PROVISIONING_CONNECTIONS,
  })
  const template = new TenantTemplate({ migrations: tenantMigrations, installationId, onDatabase: maintain })
  const provisioner = new Provisioner({
    core,
    directory,
    broker,
    template,
    installationId,
    onServer: server.exclusive,
    log,
  })
  return { server, template, provisioner }
}

function connectionTo(options: TenancyOptions, database: string, timeouts: Timeouts): ConnectionOptions {
  return { url: withDatabase(options.databaseUrl, database), applicationName: 'tenantry', timeouts }
}

/** Gives a tenant's database when its status allows; the handle lives as long as the directory's record. */
function createAdmission(directory: TenantDirectory, broker: ConnectionBroker) {
  const handles = new WeakMap<TenantRecord, TenantDb>()
  return async (tenantId: Id): Promise<TenantDb> => {
    const record = directory.peek(tenantId) ?? (await directory.find(tenantId))
    if (!record) throw tenancyErrors.tenantNotFound()
    if (record.status === 'suspended') throw tenancyErrors.tenantSuspended()
    if (record.status !== 'active') throw tenancyErrors.tenantNotReady()
    const known = handles.get(record)
    if (known) return known
    const tenant = { ...createDatabase('tenant', broker.sourceFor(record.databaseName)), tenantId }
    handles.set(record, tenant)
    return tenant
  }
}

/** Remembers the first success; a failure is forgotten, so that the next caller tries again. */
function once<T>(load: () => Promise<T>): () => Promise<T> {
  let known: Promise<T> | undefined
  return () => {
    known ??= load().catch((error) => {
      known = undefined
      throw error
    })
    return known
  }
}
