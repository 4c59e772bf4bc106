import { randomBytes } from 'node:crypto'
import { type Connection, type Id, scramVerifier } from '../../platform/index.ts'
import { confirmPassword, findPassword, lockPassword, recordNextPassword } from '../credentials/store.ts'
import { claimIdentity, databaseMark, openDatabase } from '../databases/store.ts'
import { ensureTenantRole, grantRowsTo } from '../roles/store.ts'
import { isComplete, tenantDatabaseName } from '../types.ts'
import { insertIdentity } from './inside/store.ts'
import { proveOurs } from './proof.ts'
import { inside, onServer, type ServerScope } from './scope.ts'
import {
  commentOn,
  endPause,
  limitConnections,
  recallSpare,
  revokeConnect,
  revokeFromPublic,
} from './store.ts'

/** Closes a tenant's database to everybody but its role, writes its comment and opens it. */
export async function reopen(scope: ServerScope, tenantId: Id): Promise<void> {
  const mark = databaseMark(scope.ourId, tenantId)
  await onOurs(scope, tenantId, (server, name) =>
    openDatabase(server, name, { role: name, mark, isFlushedLater: false }),
  )
}

export async function closeToPublic(scope: ServerScope, tenantId: Id): Promise<void> {
  await onOurs(scope, tenantId, revokeFromPublic)
}

/** Takes another role's way into a tenant's database away. */
export async function shutOut(scope: ServerScope, tenantId: Id, role: string): Promise<void> {
  await onOurs(scope, tenantId, (server, name) => revokeConnect(server, name, role))
}

export async function limitDatabase(scope: ServerScope, tenantId: Id): Promise<void> {
  await onOurs(scope, tenantId, (server, name) => limitConnections(server, name, scope.connectionLimit))
}

/** Writes the comment on a tenant's database. */
export async function writeMark(scope: ServerScope, tenantId: Id): Promise<void> {
  const mark = databaseMark(scope.ourId, tenantId)
  await onOurs(scope, tenantId, (server, name) => commentOn(server, name, mark))
}

/** Writes the marker into a tenant's database, where its comment says whose it is. */
export async function writeMarker(scope: ServerScope, tenantId: Id): Promise<void> {
  await proveOurs(scope, tenantId)
  const identity = { installationId: scope.ourId, tenantId }
  await inside(scope, tenantDatabaseName(tenantId), async (database) => {
    await insertIdentity(database, identity)
    if (!(await claimIdentity(database, { ...identity, isFlushedLater: false })))
      throw new Error('its marker names somebody else')
  })
}

/** Gives the group its rights in a tenant's database again. */
export async function grantRows(scope: ServerScope, tenantId: Id): Promise<void> {
  await proveOurs(scope, tenantId)
  await inside(scope, tenantDatabaseName(tenantId), (database) => grantRowsTo(database, scope.group))
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
        isFlushedLater: false,
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
}

/** Makes a spare again, or brings it up to date, unless an organization got it meanwhile. */
export async function remakeSpare(scope: ServerScope, tenantId: Id): Promise<void> {
  const { core, provisioner } = scope
  await requireSecret(scope, tenantId)
  await recallSpare(core, tenantId)
  await provisioner.resume(tenantId, 'reconciler')
}

/** Tries to finish a provisioning now; whoever is at it keeps it. */
export async function takeUp(scope: ServerScope, tenantId: Id): Promise<void> {
  const { core, provisioner } = scope
  await requireSecret(scope, tenantId)
  await endPause(core, tenantId)
  await provisioner.resume(tenantId, 'reconciler')
}

/**
 * With another secret than the servers' a provisioning would fail, and be nearer to being given up.
 *
 * @throws SealedElsewhereError
 */
async function requireSecret({ core, vault }: ServerScope, tenantId: Id): Promise<void> {
  const sealed = (await findPassword(core, tenantId))?.sealedPassword
  if (sealed) vault.open(tenantId, sealed)
}

async function onOurs(
  scope: ServerScope,
  tenantId: Id,
  work: (server: Connection, name: string) => Promise<void>,
): Promise<void> {
  await proveOurs(scope, tenantId)
  await onServer(scope, (server) => work(server, tenantDatabaseName(tenantId)))
}
