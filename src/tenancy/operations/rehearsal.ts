import { randomBytes } from 'node:crypto'
import { type Connection, databaseFault, type Id } from '../../platform/index.ts'
import {
  beginBuilding,
  createClosedDatabase,
  dropDatabase,
  endBuilding,
  isInUse,
  openDatabase,
  templateMark,
} from '../databases/store.ts'
import { templatePrefix } from '../provisioning/template.ts'
import type { ServerRegistry } from '../servers/server-registry.ts'
import type { TenantRecord } from '../types.ts'

export interface RehearsalOptions {
  readonly servers: ServerRegistry
  readonly installationId: () => Promise<Id>
}

/** A tenant's database is in use, and PostgreSQL copies none into which somebody is connected. */
export class DatabaseInUseError extends Error {
  override readonly name = 'DatabaseInUseError'
}

/**
 * Runs `work` in a clone of a tenant's database and drops the clone, whatever happens. The tenant itself is not touched;
 * whoever wants to connect to it waits while it is copied. A clone that a crash leaves has the name and the mark of a
 * template that was not finished, which the doctor takes away.
 *
 * @throws DatabaseInUseError, at once or, where somebody connects in this moment, after five seconds; what `work` throws
 * @see https://www.postgresql.org/docs/current/manage-ag-templatedbs.html
 */
export async function inCloneOf<T>(
  { servers, installationId }: RehearsalOptions,
  { serverId, databaseName }: Pick<TenantRecord, 'serverId' | 'databaseName'>,
  work: (clone: Connection) => Promise<T>,
): Promise<T> {
  const server = await servers.get(serverId)
  const ourId = await installationId()
  const name = `${templatePrefix(ourId)}${randomBytes(6).toString('hex')}_${randomBytes(4).toString('hex')}`
  return await server.administer(async (connection) => {
    if (await isInUse(connection, databaseName)) throw new DatabaseInUseError(IN_USE)
    await beginBuilding(connection, name)
    try {
      await createClosedDatabase(connection, name, databaseName).catch(refuseInUse)
      const mark = templateMark(ourId)
      await openDatabase(connection, name, { role: undefined, mark, isFlushedLater: true })
      return await server.maintain(name, work)
    } finally {
      await dropDatabase(connection, name)
      await endBuilding(connection, name)
    }
  })
}

const IN_USE = 'The database is in use, so that it cannot be copied.'

function refuseInUse(error: unknown): never {
  if (databaseFault(error) !== 'timeout') throw error
  throw new DatabaseInUseError(IN_USE, { cause: error })
}
