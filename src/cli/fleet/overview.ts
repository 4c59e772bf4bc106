import type { DriftNote, FleetException, FleetStatus } from '../../fleet/index.ts'
import type { CommandContext } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { table } from '../output.ts'
import { fleetOf } from './conduct.ts'

/** How many tenants are at which version, and what is not as it should be; exits 3 with `check` when anything is not. */
export async function fleetOverview(
  { output }: CommandContext,
  databases: Databases,
  check: boolean,
): Promise<ExitCode> {
  const status = await fleetOf(databases).status()
  const drifts = status.exceptions.flatMap((exception) => exception.drifts ?? [])
  output.data(presentStatus(status), [describeStatus(status), ...describeDrifts(drifts)].join('\n\n'))
  return check && status.exceptions.length > 0 ? EXIT.notClean : EXIT.done
}

/** The fleet's state for scripts. */
export function presentStatus({ failedBirths, neverChecked, ...status }: FleetStatus) {
  return { ...status, failed_births: failedBirths, never_checked: neverChecked }
}

/** The fleet's state for people, without how drifted tenants differ. */
export function describeStatus(status: FleetStatus): string {
  const { tenants, behind, latest, unfinished, failedBirths, neverChecked, exceptions } = status
  const versions = status.versions.map(({ version, tenants: count }) => [version ?? '(none)', String(count)])
  return [
    table(['VERSION', 'TENANTS'], versions),
    `${tenants} tenants, ${behind} behind ${latest ?? 'nothing'}`,
    ...(unfinished > 0 ? [`${unfinished} more are still being made`] : []),
    ...(failedBirths > 0 ? [`${failedBirths} failed births: tenantry doctor says why`] : []),
    ...(neverChecked > 0 ? [`${neverChecked} were never looked into for drift: --verify does that`] : []),
    ...describeExceptions(exceptions),
  ].join('\n')
}

/** How drifted tenants differed, a line for each difference; nothing where none is drifted. */
export function describeDrifts(drifts: readonly DriftNote[]): string[] {
  if (drifts.length === 0) return []
  const rows = drifts.flatMap(({ id, as_of, differences, more }) => [
    ...differences.map((difference) => [id, as_of, difference]),
    ...(more > 0 ? [[id, as_of, `… and ${more} more`]] : []),
  ])
  return [table(['DRIFTED', 'AS OF', 'DIFFERENCE'], rows)]
}

function describeExceptions(exceptions: readonly FleetException[]): string[] {
  if (exceptions.length === 0) return []
  const rows = exceptions.map(({ code, tenants, examples }) => [
    code,
    String(tenants),
    examples.slice(0, 3).join(' ') + (tenants > 3 ? ' …' : ''),
  ])
  return ['', table(['EXCEPTION', 'TENANTS', 'FOR EXAMPLE'], rows)]
}
