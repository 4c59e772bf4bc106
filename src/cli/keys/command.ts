import { Argument, Command } from 'commander'
import { AUDIENCES, type Audience } from '../../auth/index.ts'
import type { Run } from '../context.ts'
import { onDatabases, withPlatform } from '../databases.ts'
import { listAll } from './list.ts'
import { revoke } from './revoke.ts'
import { rotate } from './rotate.ts'

/** `tenantry keys …` */
export function keysCommand(run: Run): Command {
  return new Command('keys')
    .description('look after the keys that sign access tokens')
    .addCommand(listCommand(run))
    .addCommand(rotateCommand(run))
    .addCommand(revokeCommand(run))
}

function listCommand(run: Run): Command {
  return new Command('list')
    .description('every key there was: next, signing, verifying, retired or revoked')
    .addHelpText('after', '\nExample:\n  tenantry keys list --json')
    .action(() => onDatabases(run, listAll))
}

function rotateCommand(run: Run): Command {
  return new Command('rotate')
    .description('publish the next key, which signs in 24 hours; the worker does so every 30 days')
    .addArgument(new Argument('[audience]', 'whose tokens; left out, both').choices(AUDIENCES))
    .option('--now', 'let it sign at once: others that verify tokens may refuse them for five minutes')
    .addHelpText('after', '\nExamples:\n  tenantry keys rotate\n  tenantry keys rotate tenant --now')
    .action((audience: Audience | undefined, { now = false }: { now?: boolean }) => {
      const audiences = audience ? [audience] : AUDIENCES
      return run((context) => withPlatform(context, (platform) => rotate(context, platform, audiences, now)))
    })
}

function revokeCommand(run: Run): Command {
  return new Command('revoke')
    .description('make every access token that a key signed worthless, at once and for good')
    .argument('<kid>', 'the key’s id, from "tenantry keys list"')
    .option('--yes', 'do not ask')
    .addHelpText(
      'after',
      '\nExample:\n  tenantry keys revoke mXb0yQ4nVgbjGkCuNbHC5qFrMsMJHsbn1tUI7bJ5W0c --yes',
    )
    .action((kid: string, { yes = false }: { yes?: boolean }) => run((context) => revoke(context, kid, yes)))
}
