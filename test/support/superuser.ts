import pg from 'pg'
import { inject } from 'vitest'

/** Whether the tests' server is the embedded one; on somebody else's they are not its superuser. */
export const hasSuperuser = (): boolean => inject('postgresAdminUrl') !== undefined

/** Runs `work` on the test server as its superuser. */
export async function asSuperuser<T>(work: (server: pg.Client) => Promise<T>): Promise<T> {
  const server = new pg.Client({ connectionString: inject('postgresAdminUrl') })
  server.on('error', () => undefined)
  await server.connect()
  try {
    return await work(server)
  } finally {
    await server.end()
  }
}
