import { Resolver } from 'node:dns/promises'

/**
 * The TXT records of a name, each put together; none where there are none, or no such name.
 *
 * @throws whatever, when the name servers do not say
 */
export type ResolveTxt = (name: string) => Promise<readonly string[]>

const TIMEOUT_MS = 2_000
const TRIES = 2
const NOTHING_THERE = new Set(['ENODATA', 'ENOTFOUND'])

/** Asks the name servers that the system is set up with. */
export const resolveTxtBySystem: ResolveTxt = async (name) => {
  const resolver = new Resolver({ timeout: TIMEOUT_MS, tries: TRIES })
  try {
    return (await resolver.resolveTxt(name)).map((parts) => parts.join(''))
  } catch (error) {
    if (error instanceof Error && 'code' in error && NOTHING_THERE.has(String(error.code))) return []
    throw error
  }
}
