import { Command } from 'commander'
import type { Run } from '../context.ts'
import { onDatabases, withPlatform } from '../databases.ts'
import { show } from './show.ts'
import { enable, type TakingConsent, takeFrom } from './standing.ts'
import { unlock } from './unlock.ts'

/** `tenantry users …` */
export function usersCommand(run: Run): Command {
  return new Command('users')
    .description('look after platform users')
    .addCommand(showCommand(run))
    .addCommand(disableCommand(run))
    .addCommand(enableCommand(run))
    .addCommand(unlockCommand(run))
}

function showCommand(run: Run): Command {
  return new Command('show')
    .description('an account, what secures it, and its organizations; no secret')
    .argument('<email>', 'whose')
    .addHelpText('after', '\nExample:\n  tenantry users show ada@example.com --json')
    .action((email: string) => onDatabases(run, (...on) => show(...on, email)))
}

function disableCommand(run: Run): Command {
  return new Command('disable')
    .description('let nobody use an account; its sessions end at once, those in organizations too')
    .argument('<email>', 'whose')
    .option('--yes', 'do not ask')
    .option('--allow-none', 'also where nobody else operates the platform')
    .addHelpText('after', '\nExample:\n  tenantry users disable ada@example.com --yes')
    .action((email: string, consent: TakingConsent) =>
      run((context) => takeFrom(context, 'disable', email, consent)),
    )
}

function enableCommand(run: Run): Command {
  return new Command('enable')
    .description('let a disabled account be used again; whoever it is signs in anew')
    .argument('<email>', 'whose')
    .addHelpText('after', '\nExample:\n  tenantry users enable ada@example.com')
    .action((email: string) => run((context) => enable(context, email)))
}

function unlockCommand(run: Run): Command {
  return new Command('unlock')
    .description('forget failed attempts, so that somebody who is locked out may try again at once')
    .argument('<email>', 'whose')
    .option('--tenant <id>', 'in this organization; without it on the platform')
    .addHelpText(
      'after',
      '\nExamples:\n  tenantry users unlock ada@example.com' +
        '\n  tenantry users unlock mia@example.com --tenant 01990000-0000-7000-8000-000000000000',
    )
    .action((email: string, { tenant }: { tenant?: string }) =>
      run((context) => withPlatform(context, (platform) => unlock(context, platform, email, tenant))),
    )
}
