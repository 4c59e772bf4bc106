import { Command } from 'commander'
import type { Run } from '../context.ts'
import { onDatabases, withPlatform } from '../databases.ts'
import { type TakingConsent, takeFrom } from '../users/standing.ts'
import { createAdmin, type NewAdminOptions } from './create.ts'
import { listAll } from './list.ts'

/** `tenantry admin …` */
export function adminCommand(run: Run): Command {
  return new Command('admin')
    .description('people who operate the platform')
    .addCommand(listCommand(run))
    .addCommand(createCommand(run))
    .addCommand(revokeCommand(run))
}

function listCommand(run: Run): Command {
  return new Command('list')
    .description('everybody who operates the platform, with what secures the account')
    .addHelpText('after', '\nExample:\n  tenantry admin list --json')
    .action(() => onDatabases(run, listAll))
}

function createCommand(run: Run): Command {
  return new Command('create')
    .description('let a platform user operate the platform; who does not exist yet is made')
    .requiredOption('--email <email>', 'whose')
    .option('--password <password>', '"-" reads a new user’s password from standard input')
    .addHelpText(
      'after',
      '\nExamples:\n  tenantry admin create --email ada@example.com\n  pass admin | tenantry admin create --email ada@example.com --password -',
    )
    .action((options: NewAdminOptions) =>
      run((context) => withPlatform(context, (platform) => createAdmin(context, platform, options))),
    )
}

function revokeCommand(run: Run): Command {
  return new Command('revoke')
    .description('take the administration of the platform from somebody; sessions there end at once')
    .argument('<email>', 'whose')
    .option('--yes', 'do not ask')
    .option('--allow-none', 'also where nobody else operates the platform')
    .addHelpText('after', '\nExample:\n  tenantry admin revoke ada@example.com --yes')
    .action((email: string, consent: TakingConsent) =>
      run((context) => takeFrom(context, 'revokeAdmin', email, consent)),
    )
}
