import type { Id } from '../../platform/index.ts'
import { databaseMark, databaseState, dropDatabase, readMark } from '../databases/store.ts'
import { findTenant } from '../store.ts'
import { tenantDatabaseName } from '../types.ts'
import { readIdentity } from './inside/store.ts'
import { inside, onServer, type ServerScope } from './scope.ts'

/** Whose a comment says that a database is; `undefined` when it is no comment of this program. */
export function readOwner(comment: string | null): { tenantId: Id; installationId: Id } | undefined {
  const [, tenantId, installationId] =
    /^Tenantry tenant ([0-9a-f-]{36}) of installation ([0-9a-f-]{36})$/.exec(comment ?? '') ?? []
  return tenantId !== undefined && installationId !== undefined ? { tenantId, installationId } : undefined
}

/**
 * Makes sure, at this moment, that a tenant's database is ours, before anything in it or about it is changed: by its marker,
 * or by its comment where nobody can enter it or the marker is lost.
 *
 * @throws Error when something says that it is somebody else's, or nothing says that it is ours
 */
export async function proveOurs(scope: ServerScope, tenantId: Id): Promise<void> {
  const name = tenantDatabaseName(tenantId)
  const mark = databaseMark(scope.ourId, tenantId)
  const { comment, state } = await onServer(scope, async (server) => ({
    comment: await readMark(server, name),
    state: await databaseState(server, name),
  }))
  if (readOwner(comment) && comment !== mark) throw new Error(`the comment of ${name} names somebody else`)
  const identity = state === 'open' ? await inside(scope, name, readIdentity) : undefined
  if (identity) {
    const isOurs = identity.installationId === scope.ourId && (identity.tenantId ?? tenantId) === tenantId
    if (!isOurs) throw new Error(`the marker in ${name} names somebody else`)
    if (identity.tenantId !== null) return
  }
  if (comment !== mark) throw new Error(`nothing proves that ${name} is this tenant’s`)
}

/**
 * Drops what is left of a database whose drop was interrupted, and which nobody can use any more.
 *
 * @throws Error unless it is half dropped now, its comment proves it ours, and its tenant is not in use
 */
export async function dropRemains(scope: ServerScope, name: string, tenantId: Id): Promise<void> {
  const status = (await findTenant(scope.core, tenantId))?.status
  if (status === 'active' || status === 'suspended') throw new Error(`its tenant is ${status}`)
  await onServer(scope, async (server) => {
    if ((await databaseState(server, name)) !== 'broken') throw new Error(`${name} is not half dropped`)
    if ((await readMark(server, name)) !== databaseMark(scope.ourId, tenantId))
      throw new Error(`nothing proves that ${name} is this installation’s`)
    await dropDatabase(server, name)
  })
}
