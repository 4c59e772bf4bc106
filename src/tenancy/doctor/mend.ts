import { randomBytes } from 'node:crypto'
import { type Id, scramVerifier } from '../../platform/index.ts'
import { confirmPassword, findPassword, lockPassword, recordNextPassword } from '../credentials/store.ts'
import { databaseMark, openDatabase } from '../databases/store.ts'
import { ensureTenantRole } from '../roles/store.ts'
import { isComplete, tenantDatabaseName } from '../types.ts'
import { proveOurs } from './proof.ts'
import { onServer, type ServerScope } from './scope.ts'

/** Closes a tenant's database to everybody but its role, writes its comment and opens it. */
export async function reopen(scope: ServerScope, tenantId: Id): Promise<void> {
  await proveOurs(scope, tenantId)
  const name = tenantDatabaseName(tenantId)
  const mark = databaseMark(scope.ourId, tenantId)
  await onServer(scope, (server) => openDatabase(server, name, { role: name, mark, durable: true }))
}

/**
 * Makes a tenant's role again what it should be, with the password that is recorded. No rotation comes between.
 *
 * @throws Error when the tenant is not complete any more; SealedElsewhereError
 */
export async function remakeRole(scope: ServerScope, tenantId: Id): Promise<void> {
  const { core, vault, group, connectionLimit } = scope
  await core.transaction(async (lock) => {
    await lockPassword(lock, tenantId)
    const recorded = await findPassword(core, tenantId)
    if (!recorded?.sealedPassword || !isComplete(recorded)) throw new Error('the tenant is not complete')
    const verifier = scramVerifier(vault.open(tenantId, recorded.sealedPassword), randomBytes(16))
    await onServer(scope, (server) =>
      ensureTenantRole(server, {
        name: recorded.databaseName,
        group,
        verifier,
        limits: { connections: connectionLimit },
        durable: true,
      }),
    )
    await confirmPassword(core, tenantId, recorded.credentialsVersion)
  })
}

/** Gives a password to a tenant that has none, and its role with it. */
export async function giveCredentials(scope: ServerScope, tenantId: Id): Promise<void> {
  const { core, vault } = scope
  const recorded = await findPassword(core, tenantId)
  if (recorded?.sealedPassword === null) {
    const sealed = vault.seal(tenantId, vault.newPassword())
    await recordNextPassword(core, tenantId, recorded.credentialsVersion, sealed)
  }
  await remakeRole(scope, tenantId)
  await reopen(scope, tenantId)
}
