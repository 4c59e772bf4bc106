import { setDraining } from '../../tenancy/index.ts'
import { type CommandContext, UsageError } from '../context.ts'
import type { Databases } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'

/** Stops, or with `undo` allows again, that new tenants are placed on a server. */
export async function drain(
  { output }: CommandContext,
  { core }: Databases,
  name: string,
  undo: boolean,
): Promise<ExitCode> {
  if (!(await setDraining(core, name, !undo))) throw new UsageError(`There is no server ${name}.`)
  output.data(
    { name, is_draining: !undo },
    undo ? `${name}: takes new tenants again` : `${name}: takes no new tenants; those that it has stay`,
  )
  return EXIT.done
}
