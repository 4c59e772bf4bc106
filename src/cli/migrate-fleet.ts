import { type FleetAction, fleetStatus, migrateTenants, type TenantOutcome } from '../fleet/index.ts'
import { type Id, messageOf } from '../platform/index.ts'
import type { CommandContext } from './context.ts'
import type { Databases } from './databases.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { table } from './output.ts'

/** Migrates tenants one after another; exits 4 when one of them failed, after having gone on with the others. */
export async function migrateFleet(
  { output }: CommandContext,
  databases: Databases,
  action: FleetAction,
  only?: readonly Id[],
): Promise<ExitCode> {
  const options = { ...databases, migrations: databases.migrations.tenant }
  const outcomes: TenantOutcome[] = []
  for await (const outcome of migrateTenants(options, action, only)) {
    outcomes.push(outcome)
    output.note(`${outcome.tenantId}: ${describe(outcome)}`)
  }
  const failed = outcomes.filter((outcome) => outcome.error !== undefined)
  output.data(
    {
      tenants: outcomes.map(({ tenantId, versions, schemaVersion, error }) => ({
        id: tenantId,
        versions,
        schema_version: schemaVersion,
        ...(error !== undefined && { error: messageOf(error) }),
      })),
      succeeded: outcomes.length - failed.length,
      failed: failed.length,
    },
    outcomes.length === 0
      ? 'nothing to do: every tenant is where it should be'
      : `${outcomes.length - failed.length} done, ${failed.length} failed`,
  )
  return failed.length > 0 ? EXIT.someFailed : EXIT.done
}

/** How many tenants are at which version; exits 3 with `check` when one is behind. */
export async function fleetOverview(
  { output }: CommandContext,
  { core, migrations }: Databases,
  check: boolean,
): Promise<ExitCode> {
  const status = await fleetStatus(core, migrations.tenant)
  output.data(
    status,
    [
      table(
        ['VERSION', 'TENANTS'],
        status.versions.map(({ version, tenants }) => [version ?? '(none)', String(tenants)]),
      ),
      `${status.tenants} tenants, ${status.behind} behind ${status.latest ?? 'nothing'}`,
      ...(status.unfinished > 0 ? [`${status.unfinished} more are still being made`] : []),
    ].join('\n'),
  )
  return check && status.behind > 0 ? EXIT.notClean : EXIT.done
}

function describe({ versions, error }: TenantOutcome): string {
  if (error !== undefined) return `failed: ${messageOf(error)}`
  return versions.length === 0 ? 'nothing to do' : versions.join(', ')
}
