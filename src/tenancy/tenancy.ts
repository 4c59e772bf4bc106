import type { MigrationSet } from '../migrations/index.ts'
import {
  type Clock,
  createListener,
  currentContext,
  describeWork,
  type Id,
  type Logger,
  REQUEST_TIMEOUTS,
  runInContext,
  type SecretBox,
} from '../platform/index.ts'
import { type Admission, createAdmission, type SignInTenant } from './admission.ts'
import { type BrokerStats, sumOfStats } from './broker/index.ts'
import { type RecordRotation, rotateCredentials } from './credentials/rotate.ts'
import { type CredentialVault, createCredentialVault } from './credentials/vault.ts'
import { TenantDirectory } from './directory.ts'
import { createOperations, type Operations } from './operations/operations.ts'
import { Provisioner } from './provisioning/provisioner.ts'
import { reconcile } from './provisioning/reconciler.ts'
import { createSchemaGate, type Maintain, type SchemaGate, type SchemaPolicy } from './schema-gate.ts'
import { ServerRegistry } from './servers/server-registry.ts'
import type { ServerRecord } from './servers/store.ts'
import { TenantServer } from './servers/tenant-server.ts'
import { SpareKeeper } from './spares/spare-keeper.ts'
import { warmSpares } from './spares/warm-spares.ts'
import { findOrCreateInstallationId, findTenant, type SchemaState } from './store.ts'
import type { CoreDb, TenantDb, TenantRecord } from './types.ts'
import { Worker } from './worker.ts'

export interface TenancyOptions {
  readonly core: CoreDb
  /** The core database's URL; its server is the first that holds tenant databases. */
  readonly databaseUrl: string
  /** Encrypts the passwords of tenants' roles and the URLs of servers. */
  readonly box: SecretBox
  readonly tenantMigrations: MigrationSet
  /** Default: a tenant is let in whatever it lacks, as commands need it. */
  readonly schemaPolicy?: SchemaPolicy
  /** Most connections of this process to tenant databases of one server. */
  readonly connections: number
  readonly connectionsPerTenant: number
  /** Databases that are kept ready on each server. */
  readonly spares: number
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
  /** Like `enter`, for somebody who is yet to prove who it is: what refuses a suspended tenant is said afterwards. */
  enterToSignIn(tenantId: Id): Promise<SignInTenant>
  /** The tenant's record whatever its status, or `undefined`; a spare is nobody's tenant. */
  find(tenantId: Id): Promise<TenantRecord | undefined>
  /** Forgets what is cached of a tenant after a change. */
  invalidate(tenantId: Id): void
  /** This installation's identity, the same in every process on this core database. */
  installationId(): Promise<Id>
  readonly provisioner: Provisioner
  readonly servers: ServerRegistry
  /** Finishes what was interrupted and keeps spares ready, once it is started. */
  readonly worker: Worker
  readonly spares: SpareKeeper
  /** Keeps spares reachable without a delay, in processes that serve. */
  readonly warmer: Worker
  /** One look for what a crash left unfinished. */
  reconcile(): Promise<void>
  /** Makes what the first organization would otherwise have to wait for. */
  prepare(): Promise<void>
  /** Gives a tenant's login role another password. Throws what `rotateCredentials` throws. */
  rotateCredentials(tenantId: Id, record?: RecordRotation): Promise<number>
  readonly operations: Operations
  /** Connections to tenant databases and those who wait for one, of all servers together. */
  connections(): BrokerStats
  /** A connection of the platform's role to a tenant's database, for migrations and repairs. */
  readonly maintain: Maintain
  /** Closes every connection; `worker.stop()` comes before. */
  close(): Promise<void>
}

const RECONCILE = { intervalMs: 2_000, pauseMs: 2_000 }
/** Spares that another process made are found at the interval; a pause is enough for those of this one. */
const WARM = { intervalMs: 1_000, pauseMs: 10 }
const REFILL = { intervalMs: 2_000, pauseMs: 50 }
/** So many processes can have all of a tenant's connections that one process may have, with some for maintenance. */
const PROCESSES = 5
/** A trigger of the core database tells `<id> <epoch>` here. */
const TENANTS_CHANNEL = 'tenantry_tenants'

/** Wires the directory, the servers and the makers of tenants. */
export function createTenancy(options: TenancyOptions): Tenancy {
  const { core, log, tenantMigrations: migrations } = options
  const installationId = once(() => findOrCreateInstallationId(core))
  const vault = createCredentialVault(options.box)
  const directory = createDirectory(options)
  const urlOf = createUrlOf(options, vault)
  const servers = openServers(options, installationId, urlOf)
  const { maintain, gate } = createGate(options, directory, servers)
  const admission = createAdmission({ core, directory, servers, vault, gate })
  const connectionLimit = Math.max(20, options.connectionsPerTenant * PROCESSES)
  const provisioner = new Provisioner({
    core,
    directory,
    servers,
    vault,
    schema: newestSchema(options.tenantMigrations),
    installationId,
    connectionLimit,
    tenantDb: admission.unfinished,
    spareTaken: () => worker.wake('spares'),
    log,
  })
  const spareMade = () => warmer.wake('warm spares')
  const spares = new SpareKeeper({ core, servers, provisioner, wanted: options.spares, spareMade, log })
  const reconcileOnce = () => reconcile({ core, provisioner, log })
  const worker: Worker = createWorker(reconcileOnce, spares, log)
  const warmer: Worker = createWarmer(options, admission, (tenant) => provisioner.rehearse(tenant))
  const doctor = { core, vault, urlOf, installationId, migrations, connectionLimit, provisioner, servers }

  return {
    withTenant: (tenantId, work) =>
      inContextOf(tenantId, async () => await work(await admission.admit(tenantId))),
    enter: (tenantId) => described(tenantId, admission.admit(tenantId)),
    enterToSignIn: (tenantId) => described(tenantId, admission.admitToSignIn(tenantId)),
    find: (tenantId) => admission.find(tenantId),
    invalidate: (tenantId) => directory.invalidate(tenantId),
    installationId,
    provisioner,
    servers,
    worker,
    warmer,
    spares,
    reconcile: reconcileOnce,
    prepare: () => prepare(servers, log),
    rotateCredentials: (id, record) =>
      rotateCredentials({ core, servers, vault }, id, record).finally(() => directory.invalidate(id)),
    operations: createOperations(doctor),
    connections: () => sumOfStats(servers.used.map(({ broker }) => broker.stats())),
    maintain,
    close: async () => {
      void warmer.stop() // What it does leads to nothing now, so it is not waited for.
      await provisioner.settled().then(() => Promise.all([directory.close(), servers.close()]))
    },
  }
}

/** Lets the running request's log lines name the tenant that it was let into. */
async function described<Admitted>(tenantId: Id, admission: Promise<Admitted>): Promise<Admitted> {
  const admitted = await admission
  describeWork({ tenant_id: tenantId })
  return admitted
}

/** Throws SealedElsewhereError. */
function createUrlOf(
  { databaseUrl }: TenancyOptions,
  vault: CredentialVault,
): (server: ServerRecord) => string {
  return ({ id, sealedUrl }) => (sealedUrl === null ? databaseUrl : vault.openUrl(id, sealedUrl))
}

function createGate(
  {
    tenantMigrations: migrations,
    schemaPolicy: policy = { window: Number.POSITIVE_INFINITY },
  }: TenancyOptions,
  directory: TenantDirectory,
  servers: ServerRegistry,
): { maintain: Maintain; gate: SchemaGate } {
  const maintain: Maintain = async ({ serverId, databaseName }, work) =>
    (await servers.get(serverId)).maintain(databaseName, work)
  const reload = ({ id }: TenantRecord) => {
    directory.invalidate(id)
    return directory.find(id)
  }
  const find = ({ id }: TenantRecord) => directory.find(id)
  return { maintain, gate: createSchemaGate({ migrations, policy, maintain, find, reload }) }
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

function createWorker(reconcileOnce: () => Promise<void>, spares: SpareKeeper, log: Logger): Worker {
  const chores = [
    { name: 'reconciler', run: () => reconcileOnce().then(() => false), ...RECONCILE },
    { name: 'spares', run: () => spares.refill(), ...REFILL },
  ]
  return new Worker(chores, log)
}

function createWarmer(
  { core, tenantMigrations, spares, log }: TenancyOptions,
  { spare: open }: Admission,
  rehearse: (tenant: TenantDb) => Promise<void>,
): Worker {
  const schema = newestSchema(tenantMigrations)
  const run = () => warmSpares({ core, schema, limit: spares, open, rehearse, log }).then(() => false)
  return new Worker(spares > 0 ? [{ name: 'warm spares', run, ...WARM }] : [], log)
}

/** What a database with every migration records. */
function newestSchema({ latest, files }: MigrationSet): SchemaState {
  return { schemaVersion: latest ?? null, migrationsApplied: files.length }
}

async function inContextOf<T>(tenantId: Id, work: () => Promise<T>): Promise<T> {
  const context = currentContext()
  if (context.tenant_id !== undefined && context.tenant_id !== tenantId) {
    throw new Error('another tenant cannot be entered from inside a tenant’s work')
  }
  return await runInContext({ ...context, tenant_id: tenantId }, work)
}

function openServers(
  options: TenancyOptions,
  installationId: () => Promise<Id>,
  urlOf: (server: ServerRecord) => string,
): ServerRegistry {
  const { core, tenantMigrations, connections, connectionsPerTenant } = options
  return new ServerRegistry({
    core,
    open: (server) =>
      new TenantServer({
        id: server.id,
        url: urlOf(server),
        holdsCore: server.sealedUrl === null,
        migrations: tenantMigrations,
        installationId,
        connections,
        connectionsPerTenant,
      }),
  })
}

/** A server that cannot be reached must not keep the others' tenants waiting. */
async function prepare(servers: ServerRegistry, log: Logger): Promise<void> {
  const prepareOne = async (server: TenantServer) => {
    try {
      await server.copy((connection) => server.template.ensure(connection))
    } catch (error) {
      if (server.holdsCore) throw error
      log.error({ err: error, server_id: server.id }, 'a server could not be prepared')
    }
  }
  await Promise.all((await servers.all()).map(prepareOne))
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
