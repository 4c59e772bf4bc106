import { Command, Option } from 'commander'
import { TENANT_STATUSES } from '../../tenancy/index.ts'
import type { Run } from '../context.ts'
import { onDatabases, withPlatform } from '../databases.ts'
import { createTenant, type NewTenantOptions } from './create.ts'
import { type ExecOptions, exec } from './exec.ts'
import { type ListOptions, listAll } from './list.ts'
import { type RotationTarget, rotate } from './rotate-credentials.ts'
import { changeStatus } from './set-status.ts'
import { show } from './show.ts'

/** `tenantry tenants …` */
export function tenantsCommand(run: Run): Command {
  return new Command('tenants')
    .description('look after tenants')
    .addCommand(listCommand(run))
    .addCommand(showCommand(run))
    .addCommand(createCommand(run))
    .addCommand(statusCommand(run, 'suspend'))
    .addCommand(statusCommand(run, 'resume'))
    .addCommand(rotateCommand(run))
    .addCommand(execCommand(run))
}

function listCommand(run: Run): Command {
  return new Command('list')
    .description('every tenant with its status, server and schema version, spares included')
    .addOption(new Option('--status <status>', 'only these').choices(TENANT_STATUSES))
    .addHelpText('after', '\nExample:\n  tenantry tenants list --status failed --json')
    .action((options: ListOptions) => onDatabases(run, (...on) => listAll(...on, options)))
}

function showCommand(run: Run): Command {
  return new Command('show')
    .description('everything that is recorded of one tenant, but no secret')
    .argument('<id>', 'the organization’s id')
    .addHelpText('after', '\nExample:\n  tenantry tenants show 01990000-0000-7000-8000-000000000000')
    .action((id: string) => onDatabases(run, (...on) => show(...on, id)))
}

function execCommand(run: Run): Command {
  return new Command('exec')
    .description('run a command, or SQL, for every tenant; exits with 4 when it failed for one')
    .argument('[command...]', 'after --; finds TENANT_ID, TENANT_DATABASE and TENANT_DATABASE_URL set')
    .option('--sql <sql>', 'statements for the database, in one transaction that only reads')
    .option('--write', 'let the SQL write')
    .option(
      '--tenant <id>',
      'only this tenant; may be repeated',
      (id, ids: readonly string[]) => [...ids, id],
      [],
    )
    .option('--concurrency <n>', 'so many at the same time', '4')
    .addHelpText(
      'after',
      `\nExamples:\n  tenantry tenants exec --sql 'SELECT count(*) FROM users'
  tenantry tenants exec -- sh -c 'pg_dump "$TENANT_DATABASE_URL" > "$TENANT_ID.sql"'`,
    )
    .action((command: readonly string[], options: ExecOptions) =>
      onDatabases(run, (...on) => exec(...on, command, options)),
    )
}

function createCommand(run: Run): Command {
  return new Command('create')
    .description('make an organization and its database for a platform user')
    .requiredOption('--name <name>', 'what it is called')
    .requiredOption('--owner <email>', 'a platform user who exists')
    .option('--slug <slug>', 'its short name; left out, it is made of the name')
    .addHelpText('after', '\nExample:\n  tenantry tenants create --name "Ada & Co" --owner ada@example.com')
    .action((options: NewTenantOptions) =>
      run((context) => withPlatform(context, (platform) => createTenant(context, platform, options))),
    )
}

function statusCommand(run: Run, verb: 'suspend' | 'resume'): Command {
  const about = { suspend: 'let nobody into a tenant; its data stays', resume: 'let its people in again' }
  return new Command(verb)
    .description(about[verb])
    .argument('<id>', 'the organization’s id')
    .addHelpText('after', `\nExample:\n  tenantry tenants ${verb} 01990000-0000-7000-8000-000000000000`)
    .action((id: string) => onDatabases(run, (...on) => changeStatus(...on, verb, id)))
}

function rotateCommand(run: Run): Command {
  return new Command('rotate-credentials')
    .description('give tenants’ PostgreSQL roles new passwords, while requests go on')
    .argument('[id]', 'the organization’s id')
    .option('--all', 'every tenant, spares included')
    .addHelpText('after', '\nExample:\n  tenantry tenants rotate-credentials --all')
    .action((id: string | undefined, { all = false }: { all?: boolean }) => {
      const target: RotationTarget = { id, all }
      return onDatabases(run, (...on) => rotate(...on, target))
    })
}
