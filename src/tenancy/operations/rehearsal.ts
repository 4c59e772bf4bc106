import { type Connection, databaseFault, type Id } from '../../platform/index.ts'
import { createClosedDatabase, isInUse } from '../databases/store.ts'
import { inTemporaryDatabase } from '../databases/temporary.ts'
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
 * whoever wants to connect to it waits while it is copied.
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
  const clone = async (administration: Connection, name: string) => {
    if (await isInUse(administration, databaseName)) throw new DatabaseInUseError(IN_USE)
    await createClosedDatabase(administration, name, databaseName).catch(refuseInUse)
  }
  return await inTemporaryDatabase(server, await installationId(), clone, work)
}

const IN_USE = 'The database is in use, so that it cannot be copied.'

function refuseInUse(error: unknown): never {
  if (databaseFault(error) !== 'timeout') throw error
  throw new DatabaseInUseError(IN_USE, { cause: error })
}
