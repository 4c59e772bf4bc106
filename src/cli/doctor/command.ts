import { Command } from 'commander'
import { SigningKeyError } from '../../auth/index.ts'
import type { Tenancy } from '../../tenancy/index.ts'
import type { CommandContext, Run } from '../context.ts'
import { withDatabases, withPlatform } from '../databases.ts'
import { report } from './report.ts'

/** `tenantry doctor` */
export function doctorCommand(run: Run): Command {
  return new Command('doctor')
    .description('compare what is recorded with what is on the servers; exits with 3 when something is wrong')
    .option('--fix', 'mend what can be mended safely, and look again')
    .addHelpText('after', '\nExamples:\n  tenantry doctor\n  tenantry doctor --fix --json')
    .action(({ fix = false }: { fix?: boolean }) =>
      run((context) =>
        withTenancy(context, async ({ operations }) => report(context, await operations.examine({ fix }))),
      ),
    )
}

/** To finish an interrupted organization takes the whole platform, which does not open with a wrong secret. */
async function withTenancy<T>(context: CommandContext, work: (tenancy: Tenancy) => Promise<T>): Promise<T> {
  try {
    return await withPlatform(context, ({ tenancy }) => work(tenancy))
  } catch (error) {
    if (!(error instanceof SigningKeyError)) throw error
    context.output.note(error.message)
    return await withDatabases(context, ({ tenancy }) => work(tenancy))
  }
}
