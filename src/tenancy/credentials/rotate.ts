import { randomBytes } from 'node:crypto'
import { type Id, scramVerifier } from '../../platform/index.ts'
import { setRolePassword } from '../roles/store.ts'
import type { ServerRegistry } from '../servers/server-registry.ts'
import { type CoreDb, type CoreTx, isComplete } from '../types.ts'
import { confirmPassword, findPassword, lockPassword, recordNextPassword } from './store.ts'
import type { CredentialVault } from './vault.ts'

export interface RotationOptions {
  readonly core: CoreDb
  readonly servers: ServerRegistry
  readonly vault: CredentialVault
}

export type RecordRotation = (tx: CoreTx) => Promise<void>

/** A tenant whose role is not complete, or whose password was changed at the same time. */
export class RotationError extends Error {
  override readonly name = 'RotationError'
}

/**
 * Gives a tenant's login role another password, without a failed request: the core database knows both passwords before
 * the server gets the new one, and forgets the old one after. Sessions that are open go on.
 *
 * @param record writes down that it was done, in the transaction that holds the lock
 * @returns the new version of the credentials
 * @throws RotationError; SealedElsewhereError when the platform's secret is not the one with which the password before was
 *   sealed, because what is sealed with two secrets no process could open; what the databases throw, after which it can be
 *   called again
 */
export async function rotateCredentials(
  options: RotationOptions,
  tenantId: Id,
  record?: RecordRotation,
): Promise<number> {
  // The lock outlasts both steps: a slow rotation must not give the server its password after a later one did.
  return await options.core.transaction(async (lock) => {
    await lockPassword(lock, tenantId)
    const version = await rotate(options, tenantId)
    await record?.(lock)
    return version
  })
}

async function rotate(options: RotationOptions, tenantId: Id): Promise<number> {
  const { core, vault } = options
  const before = await findPassword(core, tenantId)
  if (!before?.sealedPassword || !isComplete(before))
    throw new RotationError(`Tenant ${tenantId} is ${before?.status ?? 'gone'}: its role is not complete.`)
  vault.open(tenantId, before.sealedPassword)
  // A rotation that was interrupted: which of the two the server has is made certain first.
  if (before.sealedPreviousPassword !== null) await apply(options, tenantId, before)
  const sealedPassword = vault.seal(tenantId, vault.newPassword())
  const next = await recordNextPassword(core, tenantId, before.credentialsVersion, sealedPassword)
  if (!next) throw new RotationError(`The credentials of tenant ${tenantId} were changed at the same time.`)
  await apply(options, tenantId, next)
  return next.credentialsVersion
}

type Recorded = NonNullable<Awaited<ReturnType<typeof findPassword>>>

/** Gives the server the recorded password, and forgets the one before. */
async function apply(
  { core, servers, vault }: RotationOptions,
  tenantId: Id,
  recorded: Recorded,
): Promise<void> {
  const { serverId, databaseName, sealedPassword, credentialsVersion } = recorded
  const verifier = scramVerifier(vault.open(tenantId, sealedPassword ?? ''), randomBytes(16))
  const server = await servers.get(serverId)
  await server.administer((connection) => setRolePassword(connection, databaseName, verifier))
  await confirmPassword(core, tenantId, credentialsVersion)
}
