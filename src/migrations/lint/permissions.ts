import type { Token } from '../sql-tokens.ts'

/** What a comment, or a line of the list, says about silencing findings. */
export interface Permission {
  /** Empty when `problem` is there. */
  readonly codes: readonly string[]
  readonly reason: string
  /** Why it silences nothing. */
  readonly problem: string | undefined
}

const ALLOW = /^allow\s+(?<codes>[\w-]+(?:\s*,\s*[\w-]+)*)(?:\s+because\s+(?<reason>\S.*))?$/

/**
 * Reads `allow CODE because REASON`; several codes stand behind each other with commas.
 *
 * @param known every code that can be allowed
 */
export function readPermission(text: string, known: ReadonlySet<string>): Permission {
  const { codes: list, reason } = ALLOW.exec(text.trim())?.groups ?? {}
  const refused = (problem: string): Permission => ({ codes: [], reason: '', problem })
  if (list === undefined) return refused('it must say: allow CODE because REASON')
  const codes = list.split(',').map((code) => code.trim())
  const odd = codes.find((code) => !known.has(code))
  if (odd !== undefined) return refused(`there is no finding ${odd} that could be allowed`)
  if (reason === undefined) return refused('it gives no reason: allow CODE because REASON')
  return { codes, reason, problem: undefined }
}

const LINT_COMMENT = /^--\s*lint\s*:(?<text>.*)$/i

/** What a comment says to the lint; nothing for any other comment. */
export function lintTextOf({ text }: Token): string | undefined {
  return LINT_COMMENT.exec(text)?.groups?.['text']
}

/** One line of the list of permissions for files that cannot be edited any more. */
export interface ListedPermission extends Permission {
  /** Line of the list, from 1. */
  readonly line: number
  readonly version: string
}

const LISTED = /^(?<version>\d{14})\s+(?<text>.*)$/

/** Reads the list: `VERSION allow CODE because REASON` in each line, `#` before a comment. */
export function readPermissionList(text: string, known: ReadonlySet<string>): ListedPermission[] {
  return text.split(/\r?\n/).flatMap((content, index) => {
    const line = index + 1
    if (/^\s*(#|$)/.test(content)) return []
    const { version, text: rest } = LISTED.exec(content)?.groups ?? {}
    if (version === undefined || rest === undefined) {
      const problem = 'a line must say: VERSION allow CODE because REASON'
      return [{ line, version: '', codes: [], reason: '', problem }]
    }
    return [{ line, version, ...readPermission(rest, known) }]
  })
}
