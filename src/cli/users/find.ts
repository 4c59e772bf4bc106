import type { CoreExecutor } from '../../tenancy/index.ts'
import { type CoreUser, canonicalEmail, findCoreUserByEmail } from '../../users/index.ts'
import { UsageError } from '../context.ts'

/**
 * The platform user whom an address on the command line names.
 *
 * @throws UsageError where there is none
 */
export async function findUser(core: CoreExecutor, email: string): Promise<CoreUser> {
  const user = await findCoreUserByEmail(core, readEmail(email))
  if (!user) throw new UsageError(`There is no platform user ${email}.`)
  const { passwordHash: _, ...known } = user
  return known
}

/** An address in its canonical form. @throws UsageError where it is none */
export function readEmail(email: string): string {
  const canonical = canonicalEmail(email)
  if (canonical === undefined) throw new UsageError(`"${email}" is no e-mail address.`)
  return canonical
}
