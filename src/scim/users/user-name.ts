import { canonicalEmail } from '../../users/index.ts'

/**
 * The one form of a name that differs in case only, or in how it is encoded. Of an e-mail address it is the canonical one, so
 * that users who were not made by the directory are found by their address.
 */
export function foldName(text: string): string {
  const trimmed = text.trim()
  return canonicalEmail(trimmed) ?? trimmed.normalize('NFKC').toLowerCase()
}
