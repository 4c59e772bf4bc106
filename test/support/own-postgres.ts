import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { migrateUp, readMigrations } from '../../src/migrations/index.ts'
import {
  acquireEmbeddedPostgres,
  type Connection,
  type EmbeddedPostgres,
  MAINTENANCE_TIMEOUTS,
  withConnection,
} from '../../src/platform/index.ts'

/** A PostgreSQL server of the test's own, for tests that break what all databases of a server share. */
export interface OwnPostgres extends Pick<EmbeddedPostgres, 'url' | 'adminUrl' | 'location'> {
  /** Stops it and removes its data. */
  close(): Promise<void>
}

export async function startOwnPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<OwnPostgres> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tenantry-own-'))
  const postgres = await acquireEmbeddedPostgres({ dataDir, durable: false, settings })
  return {
    url: postgres.url,
    adminUrl: postgres.adminUrl,
    location: dataDir,
    close: async () => {
      await postgres.release()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

/** Makes a core database of the database that a URL names. */
export async function migrateCore(url: string): Promise<void> {
  const migrations = await readMigrations(fileURLToPath(new URL('../../migrations/core/', import.meta.url)))
  await on(url, (core) => migrateUp(core, migrations))
}

/** Runs `work` on one connection. */
export async function on<T>(url: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  return await withConnection(
    { url, applicationName: 'tenantry tests', timeouts: MAINTENANCE_TIMEOUTS },
    work,
  )
}
