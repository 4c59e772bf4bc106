import { httpErrors } from '../../http/index.ts'
import { type Id, newId } from '../../platform/index.ts'
import type { CredentialVault } from '../credentials/vault.ts'
import { rankServers } from '../servers/placement.ts'
import type { ServerRegistry } from '../servers/server-registry.ts'
import { claimSpare, ONLY_SERVER } from '../spares/store.ts'
import type { SchemaState } from '../store.ts'
import { type CoreTx, tenantDatabaseName } from '../types.ts'
import { type Claim, insertTenant, withoutWaitingForDisk } from './store.ts'

export interface ReservationOptions {
  readonly servers: ServerRegistry
  readonly vault: CredentialVault
  /** Of a spare that can be given away. */
  readonly schema: SchemaState
  /** Called when a spare was taken. */
  readonly spareTaken: () => void
}

/** How soon another process takes over what a dead one left; the living prolong their claims long before. */
export const CLAIM_SECONDS = 10
/** Until an operator has added a server. */
const NO_ROOM_SECONDS = 60
const NO_ROOM = 'No server may take one more organization at the moment; try again later.'

/**
 * Takes a spare, or writes a new tenant's record, in the caller's transaction.
 *
 * @param tenantId for a tenant that must have this id, and so can be no spare
 * @throws httpErrors.overloaded when no server may take one more tenant
 */
export async function reserveTenant(
  options: ReservationOptions,
  core: CoreTx,
  tenantId?: Id,
): Promise<Claim> {
  // Where there is no choice of servers, which is nearly everywhere, one statement finds that out and takes the spare.
  const simply = tenantId === undefined && (await takeSpare(options, core, ONLY_SERVER))
  if (simply) return simply
  const ranked = await rankServers(core, (ids) => options.servers.answering(ids, core))
  const mayHaveSpare = tenantId === undefined && !ranked.isOnly
  const spare = mayHaveSpare && (await takeSpare(options, core, ranked.forSpares))
  if (spare) return spare
  const [serverId] = ranked.forNew
  if (serverId === undefined) throw httpErrors.overloaded({ detail: NO_ROOM, retryAfter: NO_ROOM_SECONDS })
  return await insert(options, core, { tenantId: tenantId ?? newId(), serverId, goal: 'active' })
}

/** Writes the record of a spare in the caller's transaction. */
export async function reserveSpare(options: ReservationOptions, core: CoreTx, serverId: Id): Promise<Claim> {
  return await insert(options, core, { tenantId: newId(), serverId, goal: 'spare' })
}

async function takeSpare(
  { servers, schema, spareTaken }: ReservationOptions,
  core: CoreTx,
  ranked: readonly Id[] | typeof ONLY_SERVER,
): Promise<Claim | undefined> {
  const flushedLaterOn = servers.used.filter(({ holdsCore }) => holdsCore).map(({ id }) => id)
  const claim = await claimSpare(
    core,
    { servers: ranked, schema, token: newId(), flushedLaterOn },
    CLAIM_SECONDS,
  )
  if (claim) spareTaken()
  return claim
}

async function insert(
  { servers, vault }: ReservationOptions,
  core: CoreTx,
  { tenantId, serverId, goal }: Pick<Claim, 'tenantId' | 'serverId' | 'goal'>,
): Promise<Claim> {
  const tenant = {
    tenantId,
    serverId,
    databaseName: tenantDatabaseName(tenantId),
    sealedPassword: vault.seal(tenantId, vault.newPassword()),
    goal,
    token: newId(),
  }
  await insertTenant(core, tenant, CLAIM_SECONDS)
  await spareTheDisk(servers, core, serverId)
  return { ...tenant, wasSpare: false, attempts: 0, by: goal === 'active' ? 'owner' : 'reconciler' }
}

/** Where core and tenant share one log, what is committed at the end flushes all that went before. */
async function spareTheDisk(servers: ServerRegistry, core: CoreTx, serverId: Id): Promise<void> {
  if ((await servers.get(serverId, core)).holdsCore) await withoutWaitingForDisk(core)
}
