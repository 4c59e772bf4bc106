import { recordAudit } from '../../audit/index.ts'
import type { Platform } from '../../compose.ts'
import { canonicalEmail, findCoreUserByEmail, makeAdmin, userAudit } from '../../users/index.ts'
import { type CommandContext, UsageError } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'

export interface NewAdminOptions {
  readonly email: string
  readonly password?: string
}

/** Lets a platform user operate the platform. Somebody who is not one yet is registered, with a password from stdin. */
export async function createAdmin(
  context: CommandContext,
  { core, auth, sessions }: Platform,
  { email, password }: NewAdminOptions,
): Promise<ExitCode> {
  if (password !== undefined && password !== '-')
    throw new UsageError(
      'Others can read what stands on a command line: give --password - and the password on stdin.',
    )
  const canonical = canonicalEmail(email)
  if (canonical === undefined)
    throw new UsageError(`"${email}" is not an e-mail address that can be registered.`)
  const known = await findCoreUserByEmail(core, canonical)
  if (known && password !== undefined)
    throw new UsageError(`${canonical} has a password already; leave --password out.`)
  if (!known) {
    const fresh = await readPassword(context, password, canonical)
    const origin = { device: 'Command line', address: null }
    const { user } = await auth.register({ email: canonical, password: fresh, fullName: null }, origin)
    // Registering signs in, and nobody is there to have the tokens.
    await sessions.endAll({ scope: 'core', db: core }, user.id, 'logout')
  }
  const admin = await core.transaction(async (tx) => {
    const user = await makeAdmin(tx, canonical)
    const made = user && ({ actor: { kind: 'operator' }, target: { kind: 'user', id: user.id } } as const)
    if (made && !known?.isAdmin) await recordAudit(tx, userAudit('admin.created', made))
    return user
  })
  if (!admin) throw new Error(`${canonical} is gone again`)
  context.output.data(
    { id: admin.id, email: admin.email, created: known === undefined },
    `${admin.email} operates the platform${known ? '' : ', and was registered'}`,
  )
  return EXIT.done
}

async function readPassword(
  { readInput }: CommandContext,
  password: string | undefined,
  email: string,
): Promise<string> {
  if (password === undefined || !readInput)
    throw new UsageError(
      `There is no platform user ${email}: add --password - and give a password on standard input.`,
    )
  return (await readInput()).trimEnd()
}
