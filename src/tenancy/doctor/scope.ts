import type { MigrationSet } from '../../migrations/index.ts'
import {
  type Connection,
  type Id,
  MAINTENANCE_TIMEOUTS,
  type Timeouts,
  withConnection,
  withDatabase,
} from '../../platform/index.ts'
import type { CredentialVault } from '../credentials/vault.ts'
import type { References } from '../drift/references.ts'
import type { Provisioner } from '../provisioning/provisioner.ts'
import { groupRoleName } from '../roles/store.ts'
import type { ServerFacts } from '../servers/facts/store.ts'
import { probeServer } from '../servers/probe.ts'
import type { ServerRecord } from '../servers/store.ts'
import type { CoreDb } from '../types.ts'
import {
  type DatabaseFacts,
  listTenantsOf,
  type RoleFacts,
  readClock,
  readDatabases,
  readRoles,
  type TenantRow,
} from './store.ts'

/** What the checks and what mends need. */
export interface DoctorOptions {
  readonly core: CoreDb
  readonly vault: CredentialVault
  /** @throws SealedElsewhereError */
  readonly urlOf: (server: ServerRecord) => string
  readonly installationId: () => Promise<Id>
  readonly migrations: MigrationSet
  /** Most connections to one tenant's database, from all processes together. */
  readonly connectionLimit: number
  readonly provisioner: Provisioner
  readonly references: References
}

/** One server as it was when it was looked at. */
export interface ServerScope extends DoctorOptions {
  readonly server: ServerRecord
  readonly url: string
  readonly ourId: Id
  /** The group role's name. */
  readonly group: string
  readonly facts: ServerFacts
  readonly databases: ReadonlyMap<string, DatabaseFacts>
  readonly roles: ReadonlyMap<string, RoleFacts>
  /** Read before the catalogue: what is complete here has its database and its role there. */
  readonly tenants: readonly TenantRow[]
  /** Read after it. */
  readonly laterTenants: readonly TenantRow[]
  /** Names that tenants of this server have: read after the catalogue, so that one just made is among them. */
  readonly knownNames: ReadonlySet<string>
  readonly now: Date
}

const TIMEOUTS: Timeouts = { ...MAINTENANCE_TIMEOUTS, statement: 60_000 }

/** Looks at a server: a handful of queries, however many tenants it has. @throws when it does not answer */
export async function openScope(options: DoctorOptions, server: ServerRecord): Promise<ServerScope> {
  const { core, urlOf } = options
  const url = urlOf(server)
  const ourId = await options.installationId()
  const group = groupRoleName(ourId)
  const facts = await probeServer(url)
  const tenants = await listTenantsOf(core, server.id)
  const [databases, roles] = await enter(url, async (connection) => [
    await readDatabases(connection),
    await readRoles(connection, group),
  ])
  const laterTenants = await listTenantsOf(core, server.id)
  const knownNames = new Set(laterTenants.map(({ databaseName }) => databaseName))
  const now = await readClock(core)
  const seen = { facts, databases, roles, tenants, laterTenants, knownNames, now }
  return { ...options, server, url, ourId, group, ...seen }
}

/** A connection of the platform's role to the database from which the server is looked after. */
export function onServer<T>({ url }: ServerScope, work: (server: Connection) => Promise<T>): Promise<T> {
  return enter(url, work)
}

/** A connection of the platform's role to one database. */
export function inside<T>(
  { url }: ServerScope,
  database: string,
  work: (database: Connection) => Promise<T>,
): Promise<T> {
  return enter(withDatabase(url, database), work)
}

function enter<T>(url: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  return withConnection({ url, applicationName: 'tenantry doctor', timeouts: TIMEOUTS }, work)
}
