import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'
import { withDatabase } from '../../src/platform/index.ts'

export interface TestDatabase {
  readonly url: string
  /** Drops it. Fails when something is still connected: a test that leaks a connection is a failed test. */
  drop(): Promise<void>
}

/** A database of the caller's own, cloned from `template` or empty. */
export async function createTestDatabase(template = 'template0'): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await onServer((server) => server.query(`CREATE DATABASE ${name} TEMPLATE "${template}"`))
  return {
    url: withDatabase(inject('postgresUrl'), name),
    // A backend ends a moment after its client; DROP DATABASE waits 5 s for that before it reports a leak.
    drop: () => onServer(async (server) => void (await server.query(`DROP DATABASE IF EXISTS ${name}`))),
  }
}

/** Runs `work` on the test server, as the platform's role. */
export async function onServer<T>(work: (server: pg.Client) => Promise<T>): Promise<T> {
  const server = new pg.Client({ connectionString: inject('postgresUrl') })
  await server.connect()
  try {
    return await work(server)
  } finally {
    await server.end()
  }
}
