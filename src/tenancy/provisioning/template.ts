import { randomBytes } from 'node:crypto'
import { checksumOf, type MigrationSet, migrateUp } from '../../migrations/index.ts'
import {
  type Connection,
  databaseFault,
  type Id,
  isDatabaseNameTaken,
  SingleFlight,
} from '../../platform/index.ts'
import {
  beginBuilding,
  createClosedDatabase,
  databaseState,
  dropDatabase,
  endBuilding,
  insertTemplateIdentity,
  openDatabase,
  publishTemplate,
  readMark,
  settleSequences,
  templateMark,
} from '../databases/store.ts'
import { ensureGroupRole, grantRowsTo, groupRoleName } from '../roles/store.ts'
import type { SchemaState } from '../store.ts'

export interface TemplateOptions {
  readonly migrations: MigrationSet
  readonly installationId: () => Promise<Id>
  /** Gives a connection to another database of the server. */
  readonly onDatabase: <T>(name: string, work: (connection: Connection) => Promise<T>) => Promise<T>
}

/** What templates of an installation are called, up to the state of the migration files. */
export function templatePrefix(installationId: Id): string {
  return `tenantry_template_${installationId.slice(0, 8)}_`
}

/** What the template of an installation and a state of the migration files is called. */
export function templateName(installationId: Id, { checksum }: MigrationSet): string {
  return `${templatePrefix(installationId)}${checksum.slice(0, 12)}`
}

/**
 * The migrated, closed database that new tenant databases are cloned from: one for each server, installation and state
 * of the migration files. It is built under a name of its own and renamed when it is complete, so that half a template is
 * never cloned; two builders at once both end with the one that came first.
 */
export class TenantTemplate {
  readonly #options: TemplateOptions
  readonly #builds = new SingleFlight<'template', string>()
  #ready: string | undefined

  constructor(options: TemplateOptions) {
    this.#options = options
  }

  /** Which migrations a clone holds. */
  get schema(): SchemaState {
    const { latest, files } = this.#options.migrations
    return {
      schemaVersion: latest ?? null,
      migrationsApplied: files.length,
      schemaChecksum: checksumOf(files),
    }
  }

  /**
   * The name of the template, which exists when this resolves, as does the group role.
   *
   * @param server a connection to any other database of the server, for statements that may take long
   */
  async ensure(server: Connection): Promise<string> {
    this.#ready ??= await this.#builds.run('template', () => this.#findOrBuild(server))
    return this.#ready
  }

  /**
   * Clones the template into a closed database.
   *
   * @throws the driver's error; `isDatabaseNameTaken` when a database of this name exists
   */
  async cloneTo(server: Connection, name: string, connectionLimit: number): Promise<void> {
    try {
      await createClosedDatabase(server, name, await this.ensure(server), connectionLimit)
    } catch (error) {
      if (databaseFault(error) !== 'missing-database') throw error
      // Somebody dropped the template behind our back.
      this.#ready = undefined
      await createClosedDatabase(server, name, await this.ensure(server), connectionLimit)
    }
  }

  /** Applies to a database of ours what it lacks of the migrations and grants that a clone holds. */
  async bringUpToDate(database: Connection): Promise<void> {
    await migrateUp(database, this.#options.migrations)
    await grantRowsTo(database, groupRoleName(await this.#options.installationId()))
  }

  async #findOrBuild(server: Connection): Promise<string> {
    const installationId = await this.#options.installationId()
    await ensureGroupRole(server, groupRoleName(installationId))
    const name = templateName(installationId, this.#options.migrations)
    const state = await databaseState(server, name)
    if (state === 'broken') await clearBroken(server, name, templateMark(installationId))
    if (state === undefined || state === 'broken') await this.#build(server, name, installationId)
    return name
  }

  async #build(server: Connection, name: string, installationId: Id): Promise<void> {
    const building = `${name}_${randomBytes(4).toString('hex')}`
    // Nobody else knows this name: the lock says to those who find half a template that it is being built.
    await beginBuilding(server, building)
    try {
      await createClosedDatabase(server, building, 'template0')
      const mark = templateMark(installationId)
      await openDatabase(server, building, { role: undefined, mark, isFlushedLater: true })
      await this.#options.onDatabase(building, async (template) => {
        await this.bringUpToDate(template)
        await insertTemplateIdentity(template, installationId)
        await settleSequences(template)
      })
      await publishTemplate(server, building, name)
    } catch (error) {
      await dropDatabase(server, building).catch(() => undefined)
      if (!isDatabaseNameTaken(error)) throw error
    } finally {
      // A session that was lost has no lock any more.
      await endBuilding(server, building).catch(() => undefined)
    }
  }
}

/** Half dropped, it can only be dropped again; another process may have done so already. */
async function clearBroken(server: Connection, name: string, mark: string): Promise<void> {
  if ((await readMark(server, name)) === mark) await dropDatabase(server, name)
  else if ((await databaseState(server, name)) !== undefined)
    throw new Error(`${name} is half dropped, and nothing proves that it is ours`)
}
