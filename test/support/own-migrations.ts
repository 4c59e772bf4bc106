import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MIGRATIONS } from '../../src/compose.ts'
import { type MigrationSet, printMigration, readMigrations } from '../../src/migrations/index.ts'
import { organizationHooks } from '../../src/organizations/index.ts'
import { createSecretBox, systemClock } from '../../src/platform/index.ts'
import { createTenancy, type Tenancy, type TenancyOptions } from '../../src/tenancy/index.ts'
import type { CheckedPlatform } from './checked-platform.ts'
import { TEST_SECRET } from './platform.ts'

/** The project's migrations for tenants and one more, as a newer program has them. */
export async function withMigration(version: string, up: string): Promise<MigrationSet> {
  const directory = await mkdtemp(join(tmpdir(), 'tenantry-migrations-'))
  try {
    for (const { fileName, text } of (await readMigrations(MIGRATIONS.tenant)).files)
      await writeFile(join(directory, fileName), text)
    const text = printMigration({ up: { sql: up }, down: { sql: 'SELECT 1' } })
    await writeFile(join(directory, `${version}_more.sql`), text)
    return await readMigrations(directory)
  } finally {
    await rm(directory, { recursive: true })
  }
}

/** A second process on a platform's core database, which has other migrations. The caller closes it. */
export function tenancyWith(
  { platform, databaseUrl }: CheckedPlatform,
  tenantMigrations: MigrationSet,
  spares = 0,
  options: Partial<Pick<TenancyOptions, 'schemaPolicy' | 'watch'>> = {},
): Tenancy {
  const { core, events, log, config } = platform
  const tenancy = createTenancy({
    core,
    databaseUrl,
    box: createSecretBox(TEST_SECRET),
    spares,
    tenantMigrations,
    connections: config.tenantConnections,
    connectionsPerTenant: config.tenantConnectionsPerTenant,
    clock: systemClock,
    log,
    ...options,
  })
  tenancy.provisioner.use(organizationHooks(core, events))
  return tenancy
}
