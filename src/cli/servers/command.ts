import { Command } from 'commander'
import type { Run } from '../context.ts'
import { onDatabases } from '../databases.ts'
import { add, type NewServerOptions } from './add.ts'
import { drain } from './drain.ts'
import { listAll } from './list.ts'

/** `tenantry servers …` */
export function serversCommand(run: Run): Command {
  return new Command('servers')
    .description('look after the PostgreSQL servers that hold tenant databases')
    .addCommand(listCommand(run))
    .addCommand(addCommand(run))
    .addCommand(drainCommand(run))
}

function listCommand(run: Run): Command {
  return new Command('list')
    .description('every server with its load, and whether it answers')
    .addHelpText('after', '\nExample:\n  tenantry servers list --json')
    .action(() => onDatabases(run, listAll))
}

function addCommand(run: Run): Command {
  return new Command('add')
    .description('let a server hold tenant databases, after having checked it')
    .argument('<name>', 'lower case letters, digits and hyphens')
    .option('--url <url>', '- reads it from standard input; left out, NEW_SERVER_URL counts')
    .option('--region <region>', 'a label of where it stands')
    .option('--capacity <n>', 'most tenants on it, spares included')
    .addHelpText('after', '\nExample:\n  tenantry servers add eu-2 --url - --capacity 2000 < url.txt')
    .action((name: string, options: NewServerOptions) =>
      onDatabases(run, (...on) => add(...on, name, options)),
    )
}

function drainCommand(run: Run): Command {
  return new Command('drain')
    .description('place no new tenants on a server; those that it has stay')
    .argument('<name>', 'the server’s name')
    .option('--undo', 'place new tenants on it again')
    .addHelpText('after', '\nExample:\n  tenantry servers drain eu-1')
    .action((name: string, { undo = false }: { undo?: boolean }) =>
      onDatabases(run, (...on) => drain(...on, name, undo)),
    )
}
