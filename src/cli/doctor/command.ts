import { Command } from 'commander'
import { SigningKeyError } from '../../auth/index.ts'
import type { CommandContext, Run } from '../context.ts'
import { type Databases, withDatabases, withPlatform } from '../databases.ts'
import { recordFix } from '../operator-audit.ts'
import { report } from './report.ts'

/** `tenantry doctor` */
export function doctorCommand(run: Run): Command {
  return new Command('doctor')
    .description('compare what is recorded with what is on the servers; exits with 3 when something is wrong')
    .option('--fix', 'mend what can be mended safely, and look again')
    .addHelpText('after', '\nExamples:\n  tenantry doctor\n  tenantry doctor --fix --json')
    .action(({ fix = false }: { fix?: boolean }) =>
      run((context) =>
        onEither(context, async ({ core, tenancy }) => {
          const diagnosis = await tenancy.operations.examine({ fix })
          if (fix) await recordFix(core, diagnosis.mended.length, diagnosis.left.length)
          return report(context, diagnosis)
        }),
      ),
    )
}

/** To finish an interrupted organization takes the whole platform, which does not open with a wrong secret. */
async function onEither<T>(
  context: CommandContext,
  work: (databases: Pick<Databases, 'core' | 'tenancy'>) => Promise<T>,
): Promise<T> {
  try {
    return await withPlatform(context, work)
  } catch (error) {
    if (!(error instanceof SigningKeyError)) throw error
    context.output.note(error.message)
    return await withDatabases(context, work)
  }
}
