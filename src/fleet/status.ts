import type { MigrationSet } from '../migrations/index.ts'
import type { Id } from '../platform/index.ts'
import type { CoreDb } from '../tenancy/index.ts'
import { isBehind, isEdited } from './plan.ts'
import { type FleetGroup, groupFleet } from './tenants/store.ts'

/** Where the fleet stands, from the core database alone. */
export interface FleetStatus {
  /** Newest migration file. */
  readonly latest: string | null
  /** Tenants with a database. */
  readonly tenants: number
  /** Tenants at each version, oldest version first; `null` where nothing is applied. */
  readonly versions: readonly { readonly version: string | null; readonly tenants: number }[]
  readonly behind: number
  /** Tenants whose making has not ended; they come out at the newest version. */
  readonly unfinished: number
  /** What is not as it should be; a tenant may be in several. */
  readonly exceptions: readonly FleetException[]
}

/**
 * `behind`: lacks files. `edited`: holds files that look different today. `newer`: holds files that are not here. Every
 * other code is what the last run met there.
 */
export interface FleetException {
  readonly code: string
  readonly tenants: number
  /** Ten of them at most. */
  readonly examples: readonly Id[]
}

const EXAMPLES = 10

/** Counts tenants by schema version: one query, no tenant connection. */
export async function fleetStatus(core: CoreDb, migrations: MigrationSet): Promise<FleetStatus> {
  const groups = await groupFleet(core, EXAMPLES)
  const finished = groups.filter(({ isFinished }) => isFinished)
  const exceptions = collect(
    finished.flatMap((group) => codesOf(group, migrations).map((code) => [code, group])),
  )
  return {
    latest: migrations.latest ?? null,
    tenants: total(finished),
    versions: [...Map.groupBy(finished, ({ schemaVersion }) => schemaVersion)]
      .map(([version, members]) => ({ version, tenants: total(members) }))
      .sort((one, other) => (one.version ?? '').localeCompare(other.version ?? '')),
    behind: total(finished.filter((group) => isBehind(group, migrations))),
    unfinished: total(groups) - total(finished),
    exceptions,
  }
}

function codesOf(group: FleetGroup, migrations: MigrationSet): string[] {
  const isNewer = (group.schemaVersion ?? '') > (migrations.latest ?? '')
  return [
    ...(isBehind(group, migrations) ? ['behind'] : []),
    ...(isNewer ? ['newer'] : isEdited(group, migrations) ? ['edited'] : []),
    ...(group.failureCode === null ? [] : [group.failureCode]),
  ]
}

function collect(pairs: (readonly [string, FleetGroup])[]): FleetException[] {
  return [...Map.groupBy(pairs, ([code]) => code)].map(([code, members]) => ({
    code,
    tenants: total(members.map(([, group]) => group)),
    examples: members.flatMap(([, { examples }]) => examples).slice(0, EXAMPLES),
  }))
}

function total(groups: readonly FleetGroup[]): number {
  return groups.reduce((sum, { tenants }) => sum + tenants, 0)
}
