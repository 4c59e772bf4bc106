import { type MigrationSet, migrateUp, readShape, type Shape } from '../../migrations/index.ts'
import type { Id } from '../../platform/index.ts'
import { createEmpty, inTemporaryDatabase } from '../databases/temporary.ts'
import type { ServerRegistry } from '../servers/server-registry.ts'

export interface ReferencesOptions {
  readonly servers: ServerRegistry
  readonly installationId: () => Promise<Id>
  /** Every file that there is. */
  readonly migrations: MigrationSet
}

/**
 * What a database with certain files should look like, on the server of the one that is compared: versions of PostgreSQL
 * print the same thing differently. Each is found out once, in a database of its own that is dropped: nobody can enter the
 * template, because a session in it would block every clone.
 */
export class References {
  readonly #options: ReferencesOptions
  readonly #known = new Map<string, Promise<Shape>>()

  constructor(options: ReferencesOptions) {
    this.#options = options
  }

  /** @throws what its server answers; who asks after that makes another try */
  async of(serverId: Id, files: MigrationSet): Promise<Shape> {
    const key = `${serverId} ${files.checksum}`
    const known = this.#known.get(key) ?? this.#find(serverId, files)
    this.#known.set(key, known)
    try {
      return await known
    } catch (error) {
      if (this.#known.get(key) === known) this.#known.delete(key)
      throw error
    }
  }

  async #find(serverId: Id, files: MigrationSet): Promise<Shape> {
    const { servers, installationId, migrations } = this.#options
    const server = await servers.get(serverId)
    const ourId = await installationId()
    if (files.checksum === migrations.checksum)
      return await inTemporaryDatabase(
        server,
        ourId,
        (administration, name) => server.template.cloneTo(administration, name, -1),
        readShape,
      )
    return await inTemporaryDatabase(server, ourId, createEmpty, async (database) => {
      await migrateUp(database, files)
      return await readShape(database)
    })
  }
}
