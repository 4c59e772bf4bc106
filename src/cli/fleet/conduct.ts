import { hostname } from 'node:os'
import { createFleet, type Fleet, type FleetEvent, type RunReport } from '../../fleet/index.ts'
import type { CommandContext } from '../context.ts'
import { type Databases, withDatabases } from '../databases.ts'
import type { ExitCode } from '../exit-codes.ts'
import { runRecorder } from '../operator-audit.ts'
import { Progress } from './progress.ts'
import { presentEvent, reportRun } from './report.ts'

/** Opens the databases for a command over the fleet. */
export function withFleet(
  context: CommandContext,
  work: (fleet: Fleet, databases: Databases) => Promise<ExitCode>,
): Promise<ExitCode> {
  return withDatabases(context, (databases) => work(fleetOf(databases), databases))
}

/** The fleet of the databases that a command opened. */
export function fleetOf({ core, tenancy, migrations, connections }: Databases): Fleet {
  const holder = `${hostname()}, process ${process.pid}`
  return createFleet({
    core,
    tenancy,
    migrations: migrations.tenant,
    holder,
    connections,
    record: runRecorder,
  })
}

/** Lets a run go on under the eyes of whoever called the command; an interrupt pauses it. */
export async function conduct(
  { output, progressOn, interrupted }: CommandContext,
  run: (how: { signal: AbortSignal; watch: (event: FleetEvent) => void }) => Promise<RunReport>,
): Promise<ExitCode> {
  const progress = new Progress(progressOn)
  const watch = (event: FleetEvent): void => {
    if (output.json) output.data(presentEvent(event), '')
    progress.note(event)
  }
  let report: RunReport
  try {
    report = await run({ signal: interrupted(), watch })
  } finally {
    progress.end()
  }
  return reportRun(output, report)
}
