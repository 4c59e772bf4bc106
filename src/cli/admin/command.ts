import { Command } from 'commander'
import type { Run } from '../context.ts'
import { withPlatform } from '../databases.ts'
import { createAdmin, type NewAdminOptions } from './create.ts'

/** `tenantry admin …` */
export function adminCommand(run: Run): Command {
  return new Command('admin').description('people who operate the platform').addCommand(
    new Command('create')
      .description('let a platform user operate the platform; who does not exist yet is made')
      .requiredOption('--email <email>', 'whose')
      .option('--password <password>', '"-" reads a new user’s password from standard input')
      .addHelpText(
        'after',
        '\nExamples:\n  tenantry admin create --email ada@example.com\n  pass admin | tenantry admin create --email ada@example.com --password -',
      )
      .action((options: NewAdminOptions) =>
        run((context) => withPlatform(context, (platform) => createAdmin(context, platform, options))),
      ),
  )
}
