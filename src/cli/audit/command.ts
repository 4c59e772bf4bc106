import { Command } from 'commander'
import type { Run } from '../context.ts'
import { onDatabases } from '../databases.ts'
import { type ExportOptions, exportLog } from './export.ts'

/** `tenantry audit …` */
export function auditCommand(run: Run): Command {
  return new Command('audit').description('what happened, and who did it').addCommand(
    new Command('export')
      .description('write the audit log to stdout, oldest first, one JSON object a line')
      .option('--tenant <id>', 'an organization’s log, also a suspended one’s; without it the platform’s')
      .option('--since <time>', 'from this moment on, as 2026-01-31T00:00:00Z')
      .option('--until <time>', 'before this moment')
      .option('--action <prefix>', 'what begins with this, as "session."')
      .addHelpText(
        'after',
        '\nExamples:\n  tenantry audit export --since 2026-01-31T00:00:00Z > audit.ndjson' +
          '\n  tenantry audit export --tenant 01990000-0000-7000-8000-000000000000 --action user.login',
      )
      .action((options: ExportOptions) => onDatabases(run, (...on) => exportLog(...on, options))),
  )
}
