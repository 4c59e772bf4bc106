import type { MigrationSet } from '../migrations/index.ts'
import type { Id } from '../platform/index.ts'
import type { CoreDb } from '../tenancy/index.ts'
import { isBehind, isEdited, isMissing, isNewer } from './plan.ts'
import { type DriftNote, type FleetGroup, groupFleet } from './tenants/store.ts'

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
  /** Tenants whose making was given up. */
  readonly failedBirths: number
  /** Tenants whose schema was never compared with what their migrations make. */
  readonly neverChecked: number
  /** What is not as it should be; a tenant may be in several. */
  readonly exceptions: readonly FleetException[]
}

/**
 * `behind`: lacks files. `missing`: holds files that are gone. `edited`: holds files that look different today. `newer`:
 * holds files that are newer than every one here. `drifted`: was changed by other means than migrations. Every other code
 * is what the last run met there.
 */
export interface FleetException {
  readonly code: string
  readonly tenants: number
  /** Ten of them at most. */
  readonly examples: readonly Id[]
  /** How the examples differed when they were looked at; of `drifted` alone. */
  readonly drifts?: readonly DriftNote[]
}

const EXAMPLES = 10

/** Counts tenants by schema version: one query, no tenant connection. */
export async function fleetStatus(core: CoreDb, migrations: MigrationSet): Promise<FleetStatus> {
  const groups = await groupFleet(core, EXAMPLES)
  const at = (stage: FleetGroup['stage']) => groups.filter((group) => group.stage === stage)
  const complete = at('complete')
  return {
    latest: migrations.latest ?? null,
    tenants: total(complete),
    versions: [...Map.groupBy(complete, ({ schemaVersion }) => schemaVersion)]
      .map(([version, members]) => ({ version, tenants: total(members) }))
      .sort((one, other) => (one.version ?? '').localeCompare(other.version ?? '')),
    behind: total(complete.filter((group) => isBehind(group, migrations))),
    unfinished: total(at('unfinished')),
    failedBirths: total(at('failed')),
    neverChecked: complete.reduce((sum, { neverChecked }) => sum + neverChecked, 0),
    exceptions: collect(
      complete.flatMap((group) => codesOf(group, migrations).map((code) => [code, group] as const)),
    ),
  }
}

function codesOf(group: FleetGroup, migrations: MigrationSet): string[] {
  return [
    ...(isBehind(group, migrations) ? ['behind'] : []),
    ...(isNewer(group, migrations) ? ['newer'] : []),
    ...(isMissing(group, migrations) ? ['missing'] : []),
    ...(isEdited(group, migrations) ? ['edited'] : []),
    ...(group.isDrifted ? ['drifted'] : []),
    ...(group.failureCode === null ? [] : [group.failureCode]),
  ]
}

function collect(pairs: (readonly [string, FleetGroup])[]): FleetException[] {
  return [...Map.groupBy(pairs, ([code]) => code)].map(([code, pairsOfCode]) => {
    const members = pairsOfCode.map(([, group]) => group)
    const drifts = members.flatMap((group) => group.drifts ?? []).slice(0, EXAMPLES)
    return {
      code,
      tenants: total(members),
      examples: members.flatMap(({ examples }) => examples).slice(0, EXAMPLES),
      ...(code === 'drifted' && { drifts }),
    }
  })
}

function total(groups: readonly FleetGroup[]): number {
  return groups.reduce((sum, { tenants }) => sum + tenants, 0)
}
