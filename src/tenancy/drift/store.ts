import { eq, sql } from 'drizzle-orm'
import type { Id } from '../../platform/index.ts'
import type { SchemaState } from '../store.ts'
import { tenants } from '../tables.ts'
import type { CoreExecutor } from '../types.ts'
import type { SchemaDrift } from './types.ts'

/**
 * Records what a look found. The checksum of the ledger is noted where the rest of what is recorded agrees with the ledger:
 * tenants of earlier releases have none.
 *
 * @param drift null: as its migrations make it; `undefined`: it could not be compared, and what was known stays
 */
export async function recordLook(
  core: CoreExecutor,
  id: Id,
  { schemaVersion, migrationsApplied, schemaChecksum }: Required<SchemaState>,
  drift: SchemaDrift | null | undefined,
): Promise<void> {
  await core.orm
    .update(tenants)
    .set({
      ...(drift !== undefined && { schemaDrift: drift, schemaCheckedAt: sql`now()` }),
      schemaChecksum: sql`CASE WHEN ${tenants.schemaVersion} IS NOT DISTINCT FROM ${schemaVersion}
        AND ${tenants.migrationsApplied} = ${migrationsApplied}
        THEN ${schemaChecksum} ELSE ${tenants.schemaChecksum} END`,
    })
    .where(eq(tenants.id, id))
}
