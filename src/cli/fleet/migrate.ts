import {
  type FleetPlan,
  type MigrationAction,
  type RunSettings,
  type Verification,
  verifyOnClone,
} from '../../fleet/index.ts'
import { filesToRevert, type Migration, type MigrationSet } from '../../migrations/index.ts'
import type { Id } from '../../platform/index.ts'
import { type CommandContext, requireConsent } from '../context.ts'
import { type DownConsent, refuseDataLoss } from '../data-loss.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import type { Output } from '../output.ts'
import { conduct, fleetOf } from './conduct.ts'

export interface FleetWish {
  readonly action: MigrationAction
  readonly settings: Partial<RunSettings>
  readonly only?: readonly Id[] | undefined
}

const NOTHING = { kind: 'summary', run_id: null, planned: 0, succeeded: 0, failed: 0, left: 0, not_tried: 0 }

/**
 * Migrates tenants in a run; exits 4 when one of them failed, after having gone on with the others, and otherwise 3
 * when one is newer than this program.
 */
export async function migrateFleet(
  context: CommandContext,
  databases: Databases,
  wish: FleetWish,
): Promise<ExitCode> {
  const { output } = context
  const fleet = fleetOf(databases)
  const { tenants, upToDate, newer } = await fleet.plan(wish)
  if (tenants.length === 0) {
    const done = newer > 0 ? 'nothing to do' : 'nothing to do: every tenant is where it should be'
    output.data({ ...NOTHING, up_to_date: upToDate, newer }, done)
    return tellOfNewer(output, newer)
  }
  output.note(describePlan(wish.action, tenants.length, upToDate))
  const code = await conduct(context, async (how) => {
    const report = await fleet.start(wish, how)
    // Somebody else did all of it in this moment.
    return report ?? (await Promise.reject(new Error('nothing is left to do: another run was faster')))
  })
  const newerCode = tellOfNewer(output, newer)
  return code === EXIT.done ? newerCode : code
}

/** Asks before migrations are taken back, with how many tenants that concerns. */
export async function consentToDown(
  context: CommandContext,
  databases: Databases,
  wish: FleetWish,
  consent: DownConsent,
): Promise<void> {
  const { tenants } = await fleetOf(databases).plan(wish)
  refuseDataLoss(revertedIn(tenants, databases.migrations.tenant, wish.action), consent)
  const whose = tenants.length === 1 ? 'one tenant' : `${tenants.length} tenants`
  await requireConsent(
    context,
    consent.yes ?? false,
    `This takes migrations of ${whose} back and may lose data.`,
  )
}

/** Every file that some tenant would lose, as far as the core database knows. */
function revertedIn(
  tenants: FleetPlan['tenants'],
  migrations: MigrationSet,
  action: MigrationAction,
): Migration[] {
  if (action.direction === 'up') return []
  const { direction: _, mayLoseData: __, ...target } = action
  const versions = new Set(tenants.map(({ schemaVersion }) => schemaVersion ?? ''))
  const files = [...versions].flatMap((current) => {
    const held = migrations.files.filter(({ version }) => version <= current)
    return filesToRevert(migrations, held, target)
  })
  return [...new Set(files)]
}

/** What a run would do: the plan, and the SQL of the files that somebody lacks. */
export async function previewFleet(
  { output }: CommandContext,
  databases: Databases,
  { action, only }: FleetWish,
  verify: boolean,
): Promise<ExitCode> {
  const planned = await fleetOf(databases).plan({ action, only })
  const { tenants, upToDate, newer } = planned
  const to = 'to' in action ? action.to : ''
  const all = databases.migrations.tenant.files
  const files = all.filter(
    ({ version }) => version <= to && tenants.some((one) => mayLack(one, version, all)),
  )
  const plan = describePlan(action, tenants.length, upToDate)
  output.data(
    {
      behind: tenants.length,
      up_to_date: upToDate,
      newer,
      migrations: files.map(({ version, name, up }) => ({ version, name, sql: up.sql.trim() })),
    },
    [plan, ...files.map(({ version, name, up }) => `-- ${version} ${name}\n${up.sql.trim()}`)].join('\n\n'),
  )
  const newerCode = tellOfNewer(output, newer)
  if (!verify || tenants.length === 0) return newerCode
  const options = { tenancy: databases.tenancy, migrations: databases.migrations.tenant }
  const code = reportVerification(output, await verifyOnClone(options, planned, to))
  return code === EXIT.done ? newerCode : code
}

/** A tenant that holds fewer files than there are up to its version lacks an older one, and which is known only there. */
function mayLack(
  { schemaVersion, migrationsApplied }: FleetPlan['tenants'][number],
  version: string,
  files: readonly Migration[],
): boolean {
  const current = schemaVersion ?? ''
  return version > current || migrationsApplied < files.filter((file) => file.version <= current).length
}

function reportVerification(output: Output, { tenantId, applied, failure }: Verification): ExitCode {
  if (tenantId === undefined) {
    output.note(
      'Not verified: somebody is connected to every tenant that lacks a migration, and PostgreSQL copies none of those.',
    )
    return EXIT.failed
  }
  if (failure) {
    output.note(`In a clone of tenant ${tenantId} it failed:\n${failure.message}`)
    return EXIT.failed
  }
  const took = applied.map(({ version, durationMs }) => `${version} in ${durationMs} ms`).join(', ')
  output.note(`Applied to a clone of tenant ${tenantId}, which is dropped: ${took || 'nothing was pending'}`)
  return EXIT.done
}

/** What a program does not know it leaves alone, and nobody should think that all is well there. */
function tellOfNewer(output: Output, newer: number): ExitCode {
  if (newer === 0) return EXIT.done
  const [who, these] = newer === 1 ? ['1 tenant is', 'it was'] : [`${newer} tenants are`, 'they were']
  output.note(`${who} newer than this program, and ${these} left alone: use the program that migrated them.`)
  return EXIT.notClean
}

function describePlan({ direction }: MigrationAction, tenants: number, upToDate: number): string {
  const total = tenants + upToDate
  const state = direction === 'up' ? `${tenants} behind, ${upToDate} up to date` : `${tenants} to take back`
  return `${total} ${total === 1 ? 'tenant' : 'tenants'}: ${state}`
}
