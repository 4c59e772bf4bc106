import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { acquireEmbeddedPostgres } from '../../src/platform/index.ts'
import { type ServerProcess, startServer } from './process.ts'

/** A real server on a PostgreSQL of its own, which writes durably as in production. */
export interface World {
  readonly server: ServerProcess
  /** The core database. */
  readonly databaseUrl: string
  close(): Promise<void>
}

export async function createWorld(): Promise<World> {
  const dataDir = await mkdtemp(join(tmpdir(), 'tenantry-bench-'))
  const postgres = await acquireEmbeddedPostgres({ dataDir })
  const server = await startServer(['src/main/tenantry.ts', 'serve'], {
    PORT: '0',
    TENANTRY_DATA_DIR: dataDir,
    RATE_LIMITS: 'off',
    LOG_LEVEL: process.env['BENCH_LOG'] ?? 'warn',
  })
  return {
    server,
    databaseUrl: postgres.url,
    close: async () => {
      await server.stop()
      await postgres.release()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
