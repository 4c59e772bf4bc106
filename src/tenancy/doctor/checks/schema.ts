import { checksumOf, type MigrationState, migrationStatus } from '../../../migrations/index.ts'
import type { Connection } from '../../../platform/index.ts'
import { findTenant, type SchemaState } from '../../store.ts'
import { isSpare } from '../../types.ts'
import type { TenantFinding } from '../finding.ts'
import type { ServerScope } from '../scope.ts'
import { correctSchema, type TenantRow } from '../store.ts'

const ODD: Partial<Record<MigrationState, string>> = {
  started: 'broke off: tenantry migrate up tenants goes on with it',
  edited: 'was applied with another text than its file has now',
  missing: 'was applied, and its file is gone',
}

/** The migrations that a tenant's database holds, against those that are recorded and those that there are. */
export async function checkSchema(
  scope: ServerScope,
  { id }: TenantRow,
  database: Connection,
): Promise<TenantFinding[]> {
  const { current, migrations, applied } = await migrationStatus(database, scope.migrations)
  const odd = migrations.flatMap(({ version, state }) => oddity(version, state) ?? [])
  const found = {
    schemaVersion: current ?? null,
    migrationsApplied: applied.length,
    schemaChecksum: checksumOf(applied),
  }
  // Read after the database: what a migration recorded at its end is in here.
  const recorded = await findTenant(scope.core, id)
  const isNewer = (current ?? '') > (scope.migrations.latest ?? '')
  const differs = recorded && !isNewer && !isSpare(recorded) && !isSame(recorded, found)
  return [...odd, ...(differs ? [difference(scope, id, recorded, found)] : [])]
}

function oddity(version: string, state: MigrationState): TenantFinding | undefined {
  const what = ODD[state]
  if (what === undefined) return undefined
  return { code: 'schema-differs', severity: 'error', text: `the migration ${version} ${what}` }
}

function difference(
  scope: ServerScope,
  id: string,
  recorded: SchemaState,
  found: SchemaState,
): TenantFinding {
  const text = `it is recorded with ${describe(recorded)}, and holds ${describe(found)}`
  // With an empty list the next migration would begin at the first one, over tables that are there.
  if (found.migrationsApplied === 0)
    return { code: 'schema-differs', severity: 'error', text: `${text}: its list of migrations is lost` }
  return {
    code: 'schema-differs',
    severity: 'error',
    text,
    mend: () => correctSchema(scope.core, id, recorded, found),
  }
}

function isSame(one: SchemaState, other: SchemaState): boolean {
  return one.schemaVersion === other.schemaVersion && one.migrationsApplied === other.migrationsApplied
}

function describe({ schemaVersion, migrationsApplied }: SchemaState): string {
  return `${migrationsApplied} migrations up to ${schemaVersion ?? 'none'}`
}
