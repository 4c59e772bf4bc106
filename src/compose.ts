import { fileURLToPath } from 'node:url'
import { createRepeats } from './audit/index.ts'
import { type AuthEvents, openIdentity } from './auth/index.ts'
import type { Config } from './config.ts'
import { EventEmitter } from './events/index.ts'
import { createSchemaPolicy } from './fleet/index.ts'
import { createCursors } from './http/index.ts'
import { createMailer } from './mail/index.ts'
import { createPeople, type MemberEvents } from './members/index.ts'
import { readMigrations } from './migrations/index.ts'
import {
  createOrganizationService,
  type OrganizationEvents,
  organizationHooks,
} from './organizations/index.ts'
import {
  type Clock,
  Closers,
  createDatabase,
  createPool,
  createSecretBox,
  type Logger,
  REQUEST_TIMEOUTS,
} from './platform/index.ts'
import type { ScimEvents } from './scim/index.ts'
import { createSso, type SsoSurroundings } from './sso/index.ts'
import { createTenancy } from './tenancy/index.ts'
import { createUserService, type UserEvents } from './users/index.ts'

/** Every event of the platform. */
export type Events = AuthEvents & UserEvents & OrganizationEvents & MemberEvents & ScimEvents

export interface ComposeOptions extends SsoSurroundings {
  readonly config: Config
  /** The migrated core database. */
  readonly databaseUrl: string
  readonly secret: string
  readonly clock: Clock
  readonly log: Logger
}

export type Platform = Awaited<ReturnType<typeof compose>>

const CORE_POOL = { applicationName: 'tenantry core', timeouts: REQUEST_TIMEOUTS, max: 10 }
/** Beside the sources as beside the build: both lie one level below the project. */
const directory = (tree: 'core' | 'tenant') =>
  fileURLToPath(new URL(`../migrations/${tree}/`, import.meta.url))
export const MIGRATIONS = { core: directory('core'), tenant: directory('tenant') } as const

/**
 * Wires everything together, once for each process. This is the place to register event handlers.
 *
 * @throws SigningKeyError, or what the core database answers
 */
export async function compose(options: ComposeOptions) {
  const closers = new Closers()
  try {
    return await wire(options, closers)
  } catch (error) {
    await closers.close()
    throw error
  }
}

async function wire(options: ComposeOptions, closers: Closers) {
  const { databaseUrl, secret, ...world } = options
  const { config, clock, log } = world
  const pool = createPool({ ...CORE_POOL, url: databaseUrl })
  closers.push('core database', () => pool.close())
  const core = createDatabase('core', pool)
  const box = createSecretBox(secret)
  const migrations = await readMigrations(MIGRATIONS.tenant)
  const tenancy = createTenancy({
    core,
    databaseUrl,
    box,
    tenantMigrations: migrations,
    schemaPolicy: createSchemaPolicy(config, { core, migrations, clock, log }),
    connections: config.tenantConnections,
    connectionsPerTenant: config.tenantConnectionsPerTenant,
    spares: config.spareDatabases,
    clock,
    log,
    watch: true,
  })
  closers.push('tenant databases', () => tenancy.close())
  const mailer = createMailer({ core, clock, log, mail: config.mail, limitFactor: config.mailLimitFactor })
  closers.push('mail', () => mailer.close())
  const events = new EventEmitter<Events>({ clock, log })
  // Handlers use the databases, and the worker publishes: they close in the reverse of this order.
  closers.push('event handlers', () => events.settle())
  closers.push('worker', () => tenancy.worker.stop())
  events.on('organization.created', 'log', ({ payload }) => log.info(payload, 'organization created'))
  tenancy.provisioner.use(organizationHooks(core, events))
  const repeats = createRepeats({ clock, log })
  closers.push('failed attempts', () => repeats.settle())
  const identity = await openIdentity({ ...options, core, tenancy, box, mailer, events, repeats })
  closers.push('signing keys', () => identity.keys.close())
  closers.push('uses of API keys', () => identity.keyAdmission.settle())

  return {
    ...world,
    core,
    events,
    repeats,
    tenancy,
    ...createPeople({ core, tenancy, ...identity, mailer, events, log }),
    ...createSso({ ...options, core, tenancy, box, ...identity, events, repeats }),
    mailer,
    ...identity,
    cursors: createCursors(box.deriveKey('cursor')),
    users: createUserService({ events }),
    organizations: createOrganizationService({ core, tenancy, log, perDay: config.organizationsPerDay }),
    close: async () => {
      for (const { name, error } of await closers.close())
        log.error({ err: error }, `closing failed: ${name}`)
    },
  }
}
