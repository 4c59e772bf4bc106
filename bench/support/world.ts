import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { acquireEmbeddedPostgres } from '../../src/platform/index.ts'
import { type ServerProcess, startServer } from './process.ts'

/** A PostgreSQL of its own, which writes durably as in production, and real servers on it. */
export interface World {
  /** The core database, as the platform's role: it owns every database, so that a baseline may enter them too. */
  readonly databaseUrl: string
  /** For files of baselines; goes with the world. */
  readonly directory: string
  /**
   * Runs `work` with a server of the product in a process of its own, and stops it.
   *
   * @param env on top of what every server here gets
   * @param nodeOptions for the process, such as `--expose-gc`
   */
  withServer<T>(
    env: Readonly<Record<string, string>>,
    work: (server: ServerProcess) => Promise<T>,
    nodeOptions?: readonly string[],
  ): Promise<T>
}

/** Makes a world, runs `work` in it and removes it. */
export async function withWorld<T>(work: (world: World) => Promise<T>): Promise<T> {
  // Not a folder inside of it: the user that PostgreSQL runs as under root could not get there, and the data would lie
  // elsewhere and stay.
  const dataDir = await mkdtemp(join(tmpdir(), 'tenantry-bench-'))
  try {
    const postgres = await acquireEmbeddedPostgres({ dataDir })
    const withServer: World['withServer'] = async (env, use, nodeOptions = []) => {
      const entry = [...nodeOptions, 'src/main/tenantry.ts', 'serve']
      const server = await startServer(entry, { ...environment(dataDir), ...env })
      try {
        return await use(server)
      } finally {
        await server.stop()
      }
    }
    try {
      return await work({ databaseUrl: postgres.url, directory: dataDir, withServer })
    } finally {
      await postgres.release()
    }
  } finally {
    await rm(dataDir, { recursive: true, force: true })
  }
}

function environment(dataDir: string): Record<string, string> {
  return {
    PORT: '0',
    TENANTRY_DATA_DIR: dataDir,
    RATE_LIMITS: 'off',
    // The longest there is: tokens must outlive a row.
    ACCESS_TOKEN_TTL: '15m',
    // Some rows mean to overload a tenant: each refusal is a warning.
    LOG_LEVEL: process.env['BENCH_LOG'] ?? 'error',
  }
}
