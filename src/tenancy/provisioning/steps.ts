import { randomBytes } from 'node:crypto'
import {
  type Connection,
  databaseFault,
  type Id,
  isDatabaseNameTaken,
  scramVerifier,
} from '../../platform/index.ts'
import type { CredentialVault } from '../credentials/vault.ts'
import {
  claimIdentity,
  databaseMark,
  databaseState,
  dropDatabase,
  openDatabase,
  readMark,
} from '../databases/store.ts'
import { ensureTenantRole, groupRoleName } from '../roles/store.ts'
import type { ServerRegistry } from '../servers/server-registry.ts'
import type { TenantServer } from '../servers/tenant-server.ts'
import type { TenantDb } from '../types.ts'
import type { Claim } from './store.ts'

/** The steps between the reserved record and an active tenant, in order. A spare is made of all but the last. */
export const PROVISIONING_STEPS = ['role', 'database', 'grants', 'marker', 'migrate', 'owner'] as const
export type Step = (typeof PROVISIONING_STEPS)[number]

/** What the steps work with. */
export interface StepOptions {
  readonly servers: ServerRegistry
  readonly vault: CredentialVault
  readonly installationId: () => Promise<Id>
  /** Most connections to one tenant's database, from all processes together. */
  readonly connectionLimit: number
  /** The database of a tenant that is not active yet. */
  readonly tenantDb: (claim: Claim, server: TenantServer) => TenantDb
  /** Fills a new database; may be called again after a crash. */
  readonly seed: (tenant: TenantDb, known: unknown, isFlushedLater: boolean) => Promise<void>
}

/** The database of that name is not ours, so it is neither used nor touched. */
export class ForeignDatabaseError extends Error {
  override readonly name = 'ForeignDatabaseError'
}

/** A claim on its way through the steps. */
export interface Journey {
  readonly claim: Claim
  /** What its beginner knows of it, for the hooks. */
  readonly known: unknown
  readonly server: TenantServer
  /** Its database was made by a predecessor, which may have had fewer migrations. */
  isAdopted: boolean
}

/** Every step by name. Each can be repeated, whatever part of it was done before. */
export function createSteps(
  options: StepOptions,
): Readonly<Record<Step, (journey: Journey) => Promise<void>>> {
  const { vault, installationId, connectionLimit, tenantDb, seed } = options

  return {
    role: async ({ claim, server }) => {
      const { tenantId, databaseName, sealedPassword } = claim
      if (sealedPassword === null) throw new Error('a tenant that is made has a password from the start')
      const verifier = scramVerifier(vault.open(tenantId, sealedPassword), randomBytes(16))
      const group = groupRoleName(await installationId())
      await server.administer(async (connection) => {
        await server.template.ensure(connection)
        const limits = { connections: connectionLimit }
        const isFlushedLater = server.holdsCore
        await ensureTenantRole(connection, { name: databaseName, group, verifier, limits, isFlushedLater })
      })
    },

    database: async (journey) => {
      const { claim, server } = journey
      const mark = databaseMark(await installationId(), claim.tenantId)
      await server.copy(async (connection) => {
        await clearBroken(connection, claim.databaseName, mark)
        const isNew = await clone(server, connection, claim.databaseName, connectionLimit)
        if (!isNew) journey.isAdopted = true
      })
    },

    grants: async ({ claim, server, isAdopted }) => {
      const { databaseName, tenantId } = claim
      const mark = databaseMark(await installationId(), tenantId)
      await server.administer(async (connection) => {
        // Whose an open database is, nobody knows before the next step: until then it stays as it is.
        if (isAdopted && (await databaseState(connection, databaseName)) === 'open') return
        const known = isAdopted ? await readMark(connection, databaseName) : null
        if (known !== null && known !== mark)
          throw new ForeignDatabaseError(`${databaseName} exists and says that it is not this tenant’s`)
        await openToItsRole(connection, server, databaseName, mark)
      })
    },

    marker: async ({ claim, server, isAdopted }) => {
      const { databaseName, tenantId } = claim
      const identity = { installationId: await installationId(), tenantId, isFlushedLater: server.holdsCore }
      const isOurs = await server.maintain(databaseName, (database) => makeOurs(database, identity))
      if (!isOurs) throw new ForeignDatabaseError(`${databaseName} exists and is not this tenant’s`)
      if (!isAdopted) return
      const mark = databaseMark(identity.installationId, tenantId)
      await server.administer((connection) => openToItsRole(connection, server, databaseName, mark))
    },

    migrate: async ({ claim, server, isAdopted }) => {
      if (isAdopted)
        await server.maintain(claim.databaseName, (database) => server.template.bringUpToDate(database))
    },

    owner: ({ claim, known, server }) => seed(tenantDb(claim, server), known, server.holdsCore),
  }
}

/** Lets the tenant's role, which has the database's name, into it. */
async function openToItsRole(
  connection: Connection,
  { holdsCore }: TenantServer,
  databaseName: string,
  mark: string,
): Promise<void> {
  await openDatabase(connection, databaseName, { role: databaseName, mark, isFlushedLater: holdsCore })
}

/** False when the database was there: made by a predecessor that got no further. Whose it is `marker` finds out. */
async function clone(
  server: TenantServer,
  connection: Connection,
  databaseName: string,
  connectionLimit: number,
): Promise<boolean> {
  try {
    await server.template.cloneTo(connection, databaseName, connectionLimit)
    return true
  } catch (error) {
    if (!isDatabaseNameTaken(error)) throw error
    return false
  }
}

/** A database that nothing can enter any more is dropped where its comment proves it ours, and left alone otherwise. */
async function clearBroken(connection: Connection, databaseName: string, mark: string): Promise<void> {
  if ((await databaseState(connection, databaseName)) !== 'broken') return
  if ((await readMark(connection, databaseName)) !== mark)
    throw new ForeignDatabaseError(
      `${databaseName} is half dropped, and nothing proves that it is this tenant’s`,
    )
  await dropDatabase(connection, databaseName)
}

/** False when the database is somebody else's: its marker says so, or it has none. */
async function makeOurs(
  database: Connection,
  identity: Parameters<typeof claimIdentity>[1],
): Promise<boolean> {
  try {
    return await claimIdentity(database, identity)
  } catch (error) {
    if (databaseFault(error) === 'schema-mismatch') return false
    throw error
  }
}
