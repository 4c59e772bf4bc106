import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MODELS } from '../../src/cli/index.ts'
import { MIGRATIONS } from '../../src/compose.ts'
import {
  dumpSchema,
  generateMigration,
  type MigrationSet,
  migrateDown,
  migrateUp,
  readMigrations,
} from '../../src/migrations/index.ts'
import { type Connection, MAINTENANCE_TIMEOUTS, withConnection } from '../../src/platform/index.ts'
import { createTestDatabase, type TestDatabase } from '../support/databases.ts'

describe.each(['core', 'tenant'] as const)('the %s tree', (tree) => {
  let database: TestDatabase
  let set: MigrationSet
  const on = <T>(work: (connection: Connection) => Promise<T>) =>
    withConnection(
      { url: database.url, applicationName: 'tenantry tests', timeouts: MAINTENANCE_TIMEOUTS },
      work,
    )

  beforeAll(async () => {
    database = await createTestDatabase()
    set = await readMigrations(MIGRATIONS[tree])
  })
  afterAll(() => database.drop())

  it('gives the schema that schema.sql shows (npm run schema writes it anew)', async () => {
    const dump = await on(async (connection) => {
      await migrateUp(connection, set)
      return await dumpSchema(connection)
    })
    await expect(dump).toMatchFileSnapshot(join(MIGRATIONS[tree], 'schema.sql'))
  })

  it('goes down file by file and up again to the same schema', async () => {
    await on(async (connection) => {
      const { changed } = await migrateUp(connection, set)
      expect(changed).toEqual([])
      const schemas = [await dumpSchema(connection)]
      for (const _ of set.files) {
        await migrateDown(connection, set, { steps: 1 })
        schemas.push(await dumpSchema(connection))
      }
      for (const { version } of set.files) {
        await migrateUp(connection, set, { to: version })
        schemas.push(await dumpSchema(connection))
      }
      expect(schemas).toEqual([...schemas].reverse())
    })
  })

  it('agrees with the models: nothing is left to generate', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tenantry-models-'))
    await cp(MIGRATIONS[tree], directory, { recursive: true })
    const options = { directory, models: MODELS[tree], name: 'difference', now: new Date() }
    await expect(generateMigration(options)).resolves.toBeUndefined()
    await rm(directory, { recursive: true })
  })
})
