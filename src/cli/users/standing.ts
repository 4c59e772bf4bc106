import { type Change, LastAdminError } from '../../auth/index.ts'
import { type CommandContext, requireConsent, UsageError } from '../context.ts'
import { withPlatform } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { findUser } from './find.ts'

/** How a command that takes something from a person is allowed to go on. */
export interface TakingConsent {
  readonly yes?: boolean
  /** Also where nobody operates the platform any more after it. */
  readonly allowNone?: boolean
}

const VERBS = {
  disable: {
    ask: (email: string) => `Let nobody use the account ${email}, and end its sessions everywhere?`,
    now: 'disabled',
    already: 'was disabled already',
  },
  revokeAdmin: {
    ask: (email: string) =>
      `Take the administration of the platform from ${email}, and end the sessions there?`,
    now: 'operates the platform no more',
    already: 'was no administrator',
  },
} as const

/** Disables a platform user's account, or takes the administration of the platform from it, after having asked. */
export async function takeFrom(
  context: CommandContext,
  verb: keyof typeof VERBS,
  email: string,
  { yes = false, allowNone: mayLeaveNone = false }: TakingConsent,
): Promise<ExitCode> {
  const { ask, now, already } = VERBS[verb]
  await requireConsent(context, yes, ask(email))
  const { user, change } = await withPlatform(context, async ({ core, accounts }) => {
    const found = await findUser(core, email)
    const made = await accounts.standing[verb](found.id, { mayLeaveNone }).catch(explainLast)
    return { user: found, change: made }
  })
  const { changed, sessionsEnded, unreached } = change
  const { output } = context
  output.data(
    { id: user.id, email: user.email, changed, sessions_ended: sessionsEnded, unreached },
    `${user.email}: ${changed ? now : already}; sessions on the platform that ended: ${sessionsEnded}`,
  )
  if (unreached.length > 0)
    output.note(
      `Not reached: ${unreached.join(', ')}. Sessions there end at their next refresh; to end them at once, repeat this later.`,
    )
  return EXIT.done
}

function explainLast(error: unknown): Change {
  if (!(error instanceof LastAdminError)) throw error
  throw new UsageError(
    'Nobody else operates the platform. If that is meant, repeat it with --allow-none; "tenantry admin create" makes another.',
    { cause: error },
  )
}

/** Lets a platform user's account be used again. Who operated the platform does so again. */
export async function enable(context: CommandContext, email: string): Promise<ExitCode> {
  const { user, changed } = await withPlatform(context, async ({ core, accounts }) => {
    const found = await findUser(core, email)
    return { user: found, changed: await accounts.standing.enable(found.id) }
  })
  context.output.data(
    { id: user.id, email: user.email, changed },
    `${user.email}: ${changed ? 'enabled' : 'was enabled already'}`,
  )
  return EXIT.done
}
