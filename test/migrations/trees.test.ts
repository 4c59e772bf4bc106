import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MODELS } from '../../src/cli/index.ts'
import { MIGRATIONS } from '../../src/compose.ts'
import {
  dumpSchema,
  generateMigration,
  lintMigrations,
  type MigrationSet,
  migrateDown,
  migrateUp,
  readMigrations,
} from '../../src/migrations/index.ts'
import { splitStatements } from '../../src/migrations/sql-statements.ts'
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

  it('gives what the models alone lead to, besides functions and triggers, which models cannot say', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tenantry-models-'))
    const empty = await createTestDatabase()
    try {
      await generateMigration({ directory, models: MODELS[tree], name: 'all', now: new Date() })
      const options = { url: empty.url, applicationName: 'tenantry tests', timeouts: MAINTENANCE_TIMEOUTS }
      const dump = await withConnection(options, async (connection) => {
        await migrateUp(connection, await readMigrations(directory))
        return await dumpSchema(connection)
      })
      const schema = await readFile(join(MIGRATIONS[tree], 'schema.sql'), 'utf8')
      expect(modelled(dump)).toEqual(modelled(schema))
    } finally {
      await empty.drop()
      await rm(directory, { recursive: true })
    }
  })

  it('has no file that the lint warns of without an explanation', async () => {
    const { findings } = await lintMigrations(MIGRATIONS[tree])
    expect(findings).toEqual([])
  })

  it('agrees with the models: nothing is left to generate', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'tenantry-models-'))
    await cp(MIGRATIONS[tree], directory, { recursive: true })
    const options = { directory, models: MODELS[tree], name: 'difference', now: new Date() }
    await expect(generateMigration(options)).resolves.toBeUndefined()
    await rm(directory, { recursive: true })
  })
})

/** The statements of a dump that models can say. A column that was added later stands last, so lines are sorted. */
function modelled(dump: string): string[][] {
  return splitStatements(dump)
    .map(({ start, end }) => dump.slice(start, end))
    .filter((statement) => !/^CREATE (OR REPLACE FUNCTION|TRIGGER)\b/.test(statement))
    .map((statement) =>
      statement
        .split('\n')
        .map((line) => line.replace(/,$/, ''))
        .sort(),
    )
}
