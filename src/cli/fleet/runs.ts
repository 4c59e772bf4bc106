import { Command } from 'commander'
import type { Fleet } from '../../fleet/index.ts'
import type { MigrationSet } from '../../migrations/index.ts'
import { isId } from '../../platform/index.ts'
import { type CommandContext, type Run, requireConsent, UsageError } from '../context.ts'
import { type DownConsent, refuseDataLoss } from '../data-loss.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { fieldList, table } from '../output.ts'
import { conduct, withFleet } from './conduct.ts'
import { presentRun, presentTenant } from './report.ts'

const EXAMPLE_RUN = '01990000-0000-7000-8000-000000000000'

/** `tenantry runs …` */
export function runsCommand(run: Run): Command {
  return new Command('runs')
    .description('operations over many tenants: look, go on, try again, take back')
    .addCommand(listCommand(run))
    .addCommand(showCommand(run))
    .addCommand(goOnCommand(run, 'resume', 'go on with a run that was paused, stopped or killed'))
    .addCommand(goOnCommand(run, 'retry', 'the same, with another try for the tenants that failed'))
    .addCommand(rollbackCommand(run))
}

function listCommand(run: Run): Command {
  return new Command('list')
    .description('the last fifty runs, newest first')
    .addHelpText('after', '\nExample:\n  tenantry runs list --json')
    .action(() => run((context) => withFleet(context, (fleet) => list(context, fleet))))
}

function showCommand(run: Run): Command {
  return new Command('show')
    .description('one run with each of its tenants')
    .argument('<run>', 'its id')
    .addHelpText('after', `\nExample:\n  tenantry runs show ${EXAMPLE_RUN}`)
    .action((id: string) => run((context) => withFleet(context, (fleet) => show(context, fleet, id))))
}

function goOnCommand(run: Run, verb: 'resume' | 'retry', about: string): Command {
  return new Command(verb)
    .description(about)
    .argument('<run>', 'its id')
    .addHelpText('after', `\nExample:\n  tenantry runs ${verb} ${EXAMPLE_RUN}`)
    .action((id: string) =>
      run((context) =>
        withFleet(context, (fleet) => conduct(context, (how) => fleet[verb](readId(id), how))),
      ),
    )
}

function rollbackCommand(run: Run): Command {
  return new Command('rollback')
    .description('take back what a run applied, where it applied it, and nothing else')
    .argument('<run>', 'its id')
    .option('--yes', 'do not ask')
    .option('--allow-data-loss', 'also where that destroys tables, columns or rows')
    .addHelpText('after', `\nExample:\n  tenantry runs rollback ${EXAMPLE_RUN} --yes`)
    .action((id: string, consent: DownConsent) =>
      run((context) =>
        withFleet(context, (fleet, { migrations }) =>
          rollback(context, { fleet, migrations: migrations.tenant }, id, consent),
        ),
      ),
    )
}

async function list({ output }: CommandContext, fleet: Fleet): Promise<ExitCode> {
  const runs = (await fleet.list()).map(presentRun)
  const rows = runs.map((one) => [
    one.run_id,
    one.run_kind,
    one.status,
    `${one.succeeded}/${one.planned}`,
    String(one.failed),
    one.created_at.toISOString(),
  ])
  const headings = ['RUN', 'KIND', 'STATUS', 'DONE', 'FAILED', 'BEGUN']
  output.data(runs, rows.length === 0 ? 'no run yet' : table(headings, rows))
  return EXIT.done
}

async function show({ output }: CommandContext, fleet: Fleet, id: string): Promise<ExitCode> {
  const report = await fleet.show(readId(id))
  const fields = presentRun(report)
  const tenants = report.tenants.map(presentTenant)
  const rows = tenants.map((one) => [
    one.id,
    String(one.wave),
    one.status,
    one.versions.join(' ') || '-',
    one.duration_ms === null ? '-' : `${one.duration_ms} ms`,
    one.failure?.message.split('\n')[0] ?? '',
  ])
  const headings = ['TENANT', 'WAVE', 'STATUS', 'FILES', 'TOOK', 'FAILURE']
  output.data({ ...fields, tenants }, `${fieldList(fields)}\n\n${table(headings, rows)}`)
  return EXIT.done
}

async function rollback(
  context: CommandContext,
  { fleet, migrations }: { fleet: Fleet; migrations: MigrationSet },
  id: string,
  consent: DownConsent,
): Promise<ExitCode> {
  const { run, tenants } = await fleet.show(readId(id))
  const begun = tenants.filter(({ attempts }) => attempts > 0)
  const versions = new Set(begun.flatMap((tenant) => tenant.versions))
  // Where nothing was recorded, its process died in its first turns: whatever it meant to apply may be there.
  const to = 'to' in run.action ? run.action.to : ''
  const isIts = (version: string) => (versions.size > 0 ? versions.has(version) : version <= to)
  refuseDataLoss(
    migrations.files.filter(({ version }) => isIts(version)),
    consent,
  )
  const question = `This takes back what the run applied to ${begun.length} tenants.`
  await requireConsent(context, consent.yes ?? false, question)
  return await conduct(context, (how) => fleet.rollback(readId(id), consent.allowDataLoss ?? false, how))
}

function readId(text: string): string {
  if (!isId(text))
    throw new UsageError('A run is named by its id: a UUID in lower case, as "runs list" shows it.')
  return text
}
