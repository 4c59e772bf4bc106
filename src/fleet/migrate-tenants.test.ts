import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startPlatform, type TestPlatform } from '../../test/support/platform.ts'
import { inTenant } from '../../test/support/rows.ts'
import { MIGRATIONS } from '../compose.ts'
import {
  MigrationFailedError,
  type MigrationSet,
  printMigration,
  readMigrations,
} from '../migrations/index.ts'
import { fleetStatus, migrateTenants, type TenantOutcome } from './index.ts'

let test: TestPlatform
let directory: string
const ids: string[] = []

beforeAll(async () => {
  test = await startPlatform()
  const owner = await test.api.register()
  for (let index = 0; index < 3; index++) ids.push((await test.api.createOrganization(owner)).id)
  directory = await mkdtemp(join(tmpdir(), 'tenantry-fleet-'))
  const { files } = await readMigrations(MIGRATIONS.tenant)
  for (const file of files) await writeFile(join(directory, file.fileName), file.text)
})
afterAll(async () => {
  await test.close()
  await rm(directory, { recursive: true })
})

/** Adds a file to the tenants' migrations and reads them all. */
async function withFile(version: string, up: string, down: string): Promise<MigrationSet> {
  const text = printMigration({ up: { sql: up }, down: { sql: down } })
  await writeFile(join(directory, `${version}_step.sql`), text)
  return await readMigrations(directory)
}

async function run(
  migrations: MigrationSet,
  ...rest: [Parameters<typeof migrateTenants>[1], Parameters<typeof migrateTenants>[2]?]
): Promise<TenantOutcome[]> {
  const options = { core: test.platform.core, tenancy: test.platform.tenancy, migrations }
  return await Array.fromAsync(migrateTenants(options, ...rest))
}

describe('migrateTenants', () => {
  it('opens no connection for tenants that are up to date', async () => {
    await expect(run(await readMigrations(directory), { direction: 'up' })).resolves.toEqual([])
  })

  it('L1 goes on past a tenant that fails, which keeps its schema and stays in the next plan', async () => {
    const poisoned = ids[1] ?? ''
    await inTenant(test.platform, poisoned, sql`CREATE TABLE notes (id int)`)
    const migrations = await withFile('20990101000000', 'CREATE TABLE notes (id int)', 'DROP TABLE notes')
    const outcomes = await run(migrations, { direction: 'up' })
    expect(outcomes.map(({ tenantId, error }) => [tenantId, error instanceof MigrationFailedError])).toEqual(
      ids.map((id) => [id, id === poisoned]),
    )
    const status = await fleetStatus(test.platform.core, migrations)
    expect(status).toMatchObject({ tenants: 3, behind: 1, latest: '20990101000000' })
    expect(status.versions.map(({ tenants }) => tenants)).toEqual([1, 2])

    await inTenant(test.platform, poisoned, sql`DROP TABLE notes`)
    const again = await run(migrations, { direction: 'up' })
    expect(again).toMatchObject([{ tenantId: poisoned, versions: ['20990101000000'] }])
  })

  it('finds a file that came late with an older version', async () => {
    const migrations = await withFile('20980101000000', 'CREATE TABLE late (id int)', 'DROP TABLE late')
    expect((await fleetStatus(test.platform.core, migrations)).behind).toBe(3)
    const outcomes = await run(migrations, { direction: 'up' })
    expect(outcomes.map(({ versions }) => versions)).toEqual(ids.map(() => ['20980101000000']))
    expect((await fleetStatus(test.platform.core, migrations)).behind).toBe(0)
  })

  it('takes back what it is told, where it is told', async () => {
    const migrations = await readMigrations(directory)
    const only = [ids[2] ?? '']
    const outcomes = await run(migrations, { direction: 'down', steps: 2 }, only)
    expect(outcomes).toMatchObject([{ versions: ['20990101000000', '20980101000000'] }])
    expect((await fleetStatus(test.platform.core, migrations)).behind).toBe(1)
    await expect(run(migrations, { direction: 'up', to: '20980101000000' })).resolves.toMatchObject([
      { tenantId: only[0], versions: ['20980101000000'], schemaVersion: '20980101000000' },
    ])
  })

  it('refuses an unknown tenant before it touches any', async () => {
    const migrations = await readMigrations(directory)
    const unknown = '01990000-0000-7000-8000-000000000000'
    await expect(run(migrations, { direction: 'down', steps: 1 }, [ids[0] ?? '', unknown])).rejects.toThrow(
      unknown,
    )
    expect((await fleetStatus(test.platform.core, migrations)).behind).toBe(1)
  })
})
