import { LRUCache } from 'lru-cache'
import { type MigrationSet, migrateUp, readShape, type Shape } from '../../migrations/index.ts'
import type { Connection, Id } from '../../platform/index.ts'
import { createClosedDatabase, databaseState } from '../databases/store.ts'
import { inTemporaryDatabase } from '../databases/temporary.ts'
import { templateName } from '../provisioning/template.ts'
import type { ServerRegistry } from '../servers/server-registry.ts'

export interface ReferencesOptions {
  readonly servers: ServerRegistry
  readonly installationId: () => Promise<Id>
}

/** Servers times versions of the schema; a shape has some 50 KB. */
const REMEMBERED = 32

/**
 * What a database with certain files should look like, on the server of the one that is compared: versions of PostgreSQL
 * print the same thing differently. Each is found out once for a process, in a clone of the template with these files, or where there is none
 * in a database that gets them; it is dropped then. The template itself nobody can enter: a session in it would block clones.
 */
export class References {
  readonly #options: ReferencesOptions
  readonly #known = new LRUCache<string, Promise<Shape>>({ max: REMEMBERED })

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
    const { servers, installationId } = this.#options
    const server = await servers.get(serverId)
    const ourId = await installationId()
    const template = templateName(ourId, files)
    // A template that is not there is not made: whoever only looks leaves the server as it is.
    const create = async (administration: Connection, name: string) => {
      const isThere = (await databaseState(administration, template)) === 'closed'
      await createClosedDatabase(administration, name, isThere ? template : 'template0')
    }
    return await inTemporaryDatabase(server, ourId, create, async (database) => {
      await migrateUp(database, files)
      return await readShape(database)
    })
  }
}
