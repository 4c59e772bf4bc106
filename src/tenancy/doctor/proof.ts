import { databaseFault, type Id } from '../../platform/index.ts'
import { databaseMark, databaseState, readMark } from '../databases/store.ts'
import { tenantDatabaseName } from '../types.ts'
import { type Identity, readIdentity } from './inside/store.ts'
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
  const identity = state === 'open' ? await tryToRead(scope, name) : undefined
  if (identity) {
    const isOurs = identity.installationId === scope.ourId && (identity.tenantId ?? tenantId) === tenantId
    if (!isOurs) throw new Error(`the marker in ${name} names somebody else`)
    if (identity.tenantId !== null) return
  }
  if (comment !== mark) throw new Error(`nothing proves that ${name} is this tenant’s`)
}

/** `undefined` also where the database takes no more connections: then the comment is what counts. */
async function tryToRead(scope: ServerScope, name: string): Promise<Identity | undefined> {
  try {
    return await inside(scope, name, readIdentity)
  } catch (error) {
    if (databaseFault(error) === 'overloaded') return undefined
    throw error
  }
}
