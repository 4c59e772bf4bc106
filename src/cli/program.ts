import { Command, CommanderError, Option } from 'commander'
import { type Config, type Environment, loadConfig } from '../config.ts'
import { systemClock } from '../platform/index.ts'
import { adminCommand } from './admin/command.ts'
import { auditCommand } from './audit/command.ts'
import type { Run } from './context.ts'
import { doctorCommand } from './doctor/command.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'
import { exitCodeOf, explain } from './failures.ts'
import { runsCommand } from './fleet/runs.ts'
import { keysCommand } from './keys/command.ts'
import { migrateCommand } from './migrate.ts'
import { createOutput, type TextSink } from './output.ts'
import { serversCommand } from './servers/command.ts'
import { tenantsCommand } from './tenants/command.ts'
import { usersCommand } from './users/command.ts'

/** What of the server a process runs; several processes may share the work on one core database. */
export interface ServerParts {
  /** The HTTP API. */
  readonly api: boolean
  /** What no request waits for, such as taking up organizations whose making was interrupted. */
  readonly worker: boolean
}

/** What the process around the commands gives them. */
export interface Surroundings {
  readonly env: Environment
  readonly stdout: TextSink
  readonly stderr: TextSink
  /** Asks a person; absent without a terminal. */
  readonly confirm?: (question: string) => Promise<boolean>
  /** Reads standard input to its end. */
  readonly readInput?: () => Promise<string>
  readonly version: string
  /** Runs the parts of the server until it is told to stop. */
  readonly serve: (config: Config, parts: ServerParts) => Promise<ExitCode>
  readonly terminal: boolean
  /** As in `CommandContext`; without it nothing interrupts. */
  readonly interrupted?: () => AbortSignal
}

/**
 * Runs one command line.
 *
 * @param args without the program's own name
 * @returns the exit code; never throws
 */
export async function runCommandLine(args: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { env, stdout, stderr, confirm, readInput, version, serve, terminal } = surroundings
  const { interrupted = () => new AbortController().signal } = surroundings
  const progressOn = { sink: stderr, terminal, now: () => performance.now() }
  let exitCode: ExitCode = EXIT.done
  const program = new Command('tenantry')
  const run: Run = async (work) => {
    const output = createOutput(stdout, stderr, program.opts<{ json: boolean }>().json)
    try {
      const config = loadConfig(env, terminal)
      exitCode = await work({ config, env, output, confirm, readInput, interrupted, progressOn })
    } catch (error) {
      exitCode = exitCodeOf(error)
      output.note(explain(error))
    }
  }

  program
    .description('A multi-tenant backend in which every organization owns a PostgreSQL database.')
    .version(version)
    .addOption(new Option('--json', 'machine-readable output on stdout').default(false))
    .exitOverride()
    .configureOutput({ writeOut: (text) => stdout.write(text), writeErr: (text) => stderr.write(text) })
    .showHelpAfterError('(--help lists what there is)')
    .addHelpText('after', EXAMPLES)
  addServerCommands(program, (parts) => run(({ config }) => serve(config, parts)))
  program.addCommand(migrateCommand(run, systemClock))
  program.addCommand(runsCommand(run))
  program.addCommand(adminCommand(run))
  program.addCommand(usersCommand(run))
  program.addCommand(keysCommand(run))
  program.addCommand(auditCommand(run))
  program.addCommand(tenantsCommand(run))
  program.addCommand(serversCommand(run))
  program.addCommand(doctorCommand(run))
  inherit(program)

  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
    stderr.write(`${explain(error)}\n`)
    return EXIT.failed
  }
  return exitCode
}

function addServerCommands(program: Command, serve: (parts: ServerParts) => Promise<void>): void {
  program
    .command('serve')
    .description('serve the API, and do the work in the background, until interrupted')
    .option('--no-worker', 'serve the API alone and leave the background to "tenantry worker"')
    .addHelpText('after', '\nExamples:\n  PORT=8080 tenantry serve\n  tenantry serve --no-worker')
    .action(({ worker }: { worker: boolean }) => serve({ api: true, worker }))
  program
    .command('worker')
    .description('do the work in the background, without the API, until interrupted')
    .addHelpText('after', '\nExample:\n  tenantry worker')
    .action(() => serve({ api: false, worker: true }))
}

const EXAMPLES = `
Examples:
  tenantry serve
  tenantry worker
  tenantry migrate up core
  tenantry migrate up tenants
  tenantry migrate status tenants --check`

/** Commands built apart take the root's way of failing, and its --json wherever it stands. */
function inherit(command: Command): void {
  for (const child of command.commands) {
    child.copyInheritedSettings(command)
    inherit(child)
  }
}
