import { Argument, Command } from 'commander'
import type { Clock } from '../platform/index.ts'
import type { Run } from './context.ts'
import { type GenerateOptions, generate } from './generate.ts'
import { lint } from './lint.ts'
import { runDown, runHistory, runStatus, runUp, type Selection, type Trees } from './migrate-actions.ts'

/** `tenantry migrate …` */
export function migrateCommand(run: Run, clock: Clock): Command {
  return new Command('migrate')
    .description('change and inspect the schema of core and tenant databases')
    .addCommand(generateCommand(run, clock))
    .addCommand(lintCommand(run))
    .addCommand(upCommand(run))
    .addCommand(downCommand(run))
    .addCommand(statusCommand(run))
    .addCommand(historyCommand(run))
}

function generateCommand(run: Run, clock: Clock): Command {
  return new Command('generate')
    .description('write the migration from the models’ difference, up and down, for review')
    .addArgument(new Argument('<tree>', 'whose models').choices(['core', 'tenant']))
    .requiredOption('--name <name>', 'what it does, in snake_case')
    .option('--rename <old=new>', 'table.old=new or old_table=new_table; may be repeated', collect, [])
    .option('--drop <name>', 'table.column or table that is meant to go; may be repeated', collect, [])
    .addHelpText('after', '\nExample:\n  tenantry migrate generate tenant --name add_notes')
    .action((tree: 'core' | 'tenant', options: GenerateOptions) =>
      run((context) => generate(context, tree, options, clock)),
    )
}

function lintCommand(run: Run): Command {
  return new Command('lint')
    .description('warn of what locks tables or breaks running code; exits with 3 when there is something')
    .argument('[names...]', '"core" or "tenant", and names or paths of files (default: every file of both)')
    .addHelpText(
      'after',
      '\nExamples:\n  tenantry migrate lint\n  tenantry migrate lint tenant 20260102030405_add_notes.sql',
    )
    .action((names: readonly string[]) => run((context) => lint(context, names)))
}

function upCommand(run: Run): Command {
  return staged(onDatabases(new Command('up')))
    .description('apply what is pending')
    .option('--to <version>', 'stop at this version')
    .option('--tenant <id>', 'only this tenant; may be repeated', collect, [])
    .option('--dry-run', 'print the plan and the SQL, and change nothing')
    .option('--verify', 'with --dry-run on tenants: apply it to a clone of one tenant, which is dropped')
    .addHelpText(
      'after',
      '\nExamples:\n  tenantry migrate up core\n  tenantry migrate up tenants --tenant ID',
    )
    .action((which: Trees, options: Selection) => run((context) => runUp(context, which, options)))
}

function downCommand(run: Run): Command {
  return staged(onDatabases(new Command('down')))
    .description('take back what was applied last')
    .option('--steps <n>', 'how many migrations (default: 1)')
    .option('--to <version>', 'down to this version, which stays')
    .option('--tenant <id>', 'only this tenant; may be repeated', collect, [])
    .option('--yes', 'do not ask')
    .option('--allow-data-loss', 'also where that destroys tables, columns or rows')
    .addHelpText('after', '\nExample:\n  tenantry migrate down core --steps 1 --yes --allow-data-loss')
    .action((which: Trees, options: Selection) => run((context) => runDown(context, which, options)))
}

const STATUS_HELP = `
Of tenants, from the core database alone: behind (lacks files), missing (holds a file that is gone), edited (holds a file
that looks different today), newer (holds files that this program does not have), drifted (was changed by other means, as
of the last doctor or --verify), and what the last run met. --check exits 3 for each of them. Births that failed are
counted, and are the doctor's.

Examples:
  tenantry migrate status tenants --check
  tenantry migrate status tenants --verify --concurrency 8`

function statusCommand(run: Run): Command {
  return onDatabases(new Command('status'))
    .description('say what is applied and what is pending')
    .option('--tenant <id>', 'file by file for this tenant', collect, [])
    .option('--check', 'exit 3 unless everything is applied, and nothing else')
    .option('--verify', 'compare each tenant’s schema with what its migrations make; exit 4 where that fails')
    .option('--concurrency <n>', 'with --verify: so many tenants at the same time (default: 4)')
    .addHelpText('after', STATUS_HELP)
    .action((which: Trees, options: Selection) => run((context) => runStatus(context, which, options)))
}

function historyCommand(run: Run): Command {
  return onDatabases(new Command('history'))
    .description('list what was applied and taken back, and when')
    .option('--tenant <id>', 'whose history', collect, [])
    .addHelpText('after', '\nExample:\n  tenantry migrate history core')
    .action((which: Trees, options: Selection) => run((context) => runHistory(context, which, options)))
}

function onDatabases(command: Command): Command {
  return command.addArgument(new Argument('<databases>', 'which databases').choices(['core', 'tenants']))
}

/** How a run over tenants goes; one database takes no notice. */
function staged(command: Command): Command {
  return command
    .option(
      '--canary <n>',
      'so many tenants first; one that fails ends the run (default: 1 above ten tenants)',
    )
    .option('--wave <share>', 'the share of the tenants that each wave takes (default: 25%)')
    .option('--concurrency <n>', 'so many tenants at the same time (default: 4)')
    .option('--per-server <n>', 'so many of them on one server (default: as many)')
    .option('--abort-after <n>', 'stop when so many failed, a number or a share (default: 5%, at least 2)')
}

function collect(value: string, collected: readonly string[]): readonly string[] {
  return [...collected, value]
}
