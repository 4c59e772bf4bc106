import { type CommandContext, requireConsent, UsageError } from '../context.ts'
import { withPlatform } from '../databases.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'

/** Revokes a key after having asked. Where it signed, another one takes over. */
export async function revoke(context: CommandContext, kid: string, yes: boolean): Promise<ExitCode> {
  await requireConsent(context, yes, `Make every access token that ${kid} signed worthless?`)
  const revoked = await withPlatform(context, ({ keys }) => keys.revoke(kid))
  if (!revoked) throw new UsageError(`There is no key ${kid}; "tenantry keys list" lists them.`)
  const { audience, successor, changed } = revoked
  const { output } = context
  output.data(
    { kid, audience, successor: successor ?? null, changed },
    [
      `${kid}: ${changed ? 'revoked' : 'was revoked already'}`,
      ...(successor === undefined ? [] : [`${audience}: ${successor} signs now`]),
    ].join('\n'),
  )
  if (changed) output.note('Whoever has a token of that key has to refresh it: refresh tokens go on working.')
  return EXIT.done
}
