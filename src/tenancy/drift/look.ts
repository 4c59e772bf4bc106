import {
  checksumOf,
  differencesOf,
  type MigrationSet,
  type MigrationStatus,
  migrationSet,
  migrationStatus,
  readShape,
  type Shape,
} from '../../migrations/index.ts'
import type { Connection, Id } from '../../platform/index.ts'
import type { SchemaState } from '../store.ts'
import type { References } from './references.ts'
import type { SchemaDrift } from './types.ts'

/** What a look into a tenant's database found. */
export interface Look {
  /** By its ledger. */
  readonly schema: Required<SchemaState>
  /** `why` says what stands in the way of a comparison. */
  readonly comparable: { readonly files: MigrationSet; readonly shape: Shape } | { readonly why: string }
}

/** Differences that are kept; each is cut to `LONGEST`. */
const KEPT = 10
const LONGEST = 200

/** Reads what a tenant's database holds and looks like. Whatever is compared with it is found elsewhere, after this. */
export async function lookInside(database: Connection, migrations: MigrationSet): Promise<Look> {
  const before = await migrationStatus(database, migrations)
  const shape = await readShape(database)
  const after = await migrationStatus(database, migrations)
  const why = obstacle(after) ?? (isSame(before, after) ? undefined : 'it is being migrated')
  const held = new Set(after.applied.map(({ version }) => version))
  const files = migrations.files.filter(({ version }) => held.has(version))
  return {
    schema: {
      schemaVersion: after.current ?? null,
      migrationsApplied: after.applied.length,
      schemaChecksum: checksumOf(after.applied),
    },
    comparable: why === undefined ? { files: migrationSet(files), shape } : { why },
  }
}

/** How what was seen differs from what its migrations make; `undefined` where it does not. */
export async function driftOf(
  references: References,
  serverId: Id,
  { files, shape }: { files: MigrationSet; shape: Shape },
): Promise<SchemaDrift | undefined> {
  const differences = differencesOf(shape, await references.of(serverId, files))
  if (differences.length === 0) return undefined
  const kept = differences.slice(0, KEPT).map(cut)
  return { differences: kept, more: differences.length - kept.length }
}

/** Nobody knows what a database with such files should look like. */
function obstacle({ migrations }: MigrationStatus): string | undefined {
  const odd = migrations.find(({ state }) => state !== 'applied' && state !== 'pending')
  if (!odd) return undefined
  const reason = { newer: 'is newer than this program', missing: 'has no file any more' }
  if (odd.state === 'newer' || odd.state === 'missing')
    return `its migration ${odd.version} ${reason[odd.state]}`
  return `its migration ${odd.version} ${odd.state === 'edited' ? 'was edited since' : 'has not ended'}`
}

function isSame({ applied: one }: MigrationStatus, { applied: other }: MigrationStatus): boolean {
  return checksumOf(one) === checksumOf(other)
}

function cut(difference: string): string {
  return difference.length > LONGEST ? `${difference.slice(0, LONGEST - 1)}…` : difference
}
