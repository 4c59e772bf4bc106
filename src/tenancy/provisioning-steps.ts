import { type Connection, databaseFault, type Id, isDatabaseNameTaken } from '../platform/index.ts'
import { type Claim, claimIdentity, databaseState, openDatabase } from './store.ts'
import type { TenantTemplate } from './template.ts'
import type { TenantDb } from './types.ts'

/** The steps between the reserved record and an active tenant, in order. */
export const PROVISIONING_STEPS = ['database', 'identity', 'seed'] as const
export type Step = (typeof PROVISIONING_STEPS)[number]

/** What the steps work with. */
export interface StepOptions {
  readonly template: TenantTemplate
  readonly installationId: () => Promise<Id>
  /** Gives a connection to the server for statements that may take long. */
  readonly onServer: <T>(work: (connection: Connection) => Promise<T>) => Promise<T>
  /** The database of a tenant that is not active yet. */
  readonly tenantDb: (tenantId: Id) => TenantDb
  /** Fills a new database; may be called again after a crash. */
  readonly seed: (tenant: TenantDb) => Promise<void>
}

/** The database of that name is not ours, so it is neither used nor touched. */
export class ForeignDatabaseError extends Error {
  override readonly name = 'ForeignDatabaseError'
}

/** Every step by name. Each can be repeated, whatever part of it was done before. */
export function createSteps(options: StepOptions): Readonly<Record<Step, (claim: Claim) => Promise<void>>> {
  const { template, onServer, tenantDb, seed } = options
  /** Provisionings whose database a predecessor made, which may have had fewer migrations. */
  const adopted = new WeakSet<Claim>()

  return {
    database: (claim) =>
      onServer(async (server) => {
        const { databaseName, tenantId } = claim
        const isNew = await clone(template, server, databaseName)
        if (!isNew) adopted.add(claim)
        if (isNew || (await databaseState(server, databaseName)) === 'closed') {
          await openDatabase(server, databaseName, `Tenantry tenant ${tenantId}`)
        }
      }),
    identity: async (claim) => {
      const { databaseName, tenantId } = claim
      const installationId = await options.installationId()
      const isOurs = await makeOurs(tenantDb(tenantId), { installationId, organizationId: tenantId })
      if (!isOurs) throw new ForeignDatabaseError(`${databaseName} exists and is not this tenant’s`)
      if (adopted.has(claim)) await template.bringUpToDate(databaseName)
    },
    seed: ({ tenantId }) => seed(tenantDb(tenantId)),
  }
}

/** False when the database was there: made by a predecessor that got no further. Whose it is the next step finds out. */
async function clone(template: TenantTemplate, server: Connection, databaseName: string): Promise<boolean> {
  try {
    await template.cloneTo(server, databaseName)
    return true
  } catch (error) {
    if (!isDatabaseNameTaken(error)) throw error
    return false
  }
}

/** False when the database is somebody else's: its marker says so, or it has none. */
async function makeOurs(
  tenant: TenantDb,
  identity: { readonly installationId: Id; readonly organizationId: Id },
): Promise<boolean> {
  try {
    return await claimIdentity(tenant, identity)
  } catch (error) {
    if (databaseFault(error) === 'schema-mismatch') return false
    throw error
  }
}
