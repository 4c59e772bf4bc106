import type { Audience } from '../../auth/index.ts'
import type { Platform } from '../../compose.ts'
import type { CommandContext } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'

/** Publishes the next keys, or lets them sign at once. One that another rotation published stays as it is. */
export async function rotate(
  { output }: CommandContext,
  { keys }: Platform,
  audiences: readonly Audience[],
  atOnce: boolean,
): Promise<ExitCode> {
  const rotated = await keys.rotate(audiences, atOnce)
  output.data(
    rotated.map(({ audience, kid, signsFrom, changed }) => ({
      audience,
      kid,
      signs_from: signsFrom.toISOString(),
      changed,
    })),
    rotated
      .map(({ audience, kid, signsFrom, changed }) => {
        const when = atOnce ? 'signs now' : `signs from ${signsFrom.toISOString()}`
        return `${audience}: ${kid} ${when}${changed ? '' : '; another rotation had seen to it'}`
      })
      .join('\n'),
  )
  return EXIT.done
}
