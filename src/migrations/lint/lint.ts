import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readEach } from '../files.ts'
import type { Migration } from '../migration.ts'
import { BAD_PERMISSION, FILE_REFUSED, MISSING_DOWN, RULES } from './codes.ts'
import { Facts } from './facts.ts'
import type { AllowedFinding, LintFinding, LintReport } from './finding.ts'
import { badPermission, lintFile } from './lint-file.ts'
import { type ListedPermission, readPermissionList } from './permissions.ts'

/** Permissions for files that were applied somewhere and may not be edited any more. */
const PERMISSION_LIST = 'lint-allow.txt'

/** What cannot run cannot be allowed to. */
const ALLOWABLE: ReadonlySet<string> = new Set([...RULES.map(({ code }) => code), MISSING_DOWN.code])
/** A comment that has become useless may stand in a file that nobody may edit. */
const LISTABLE: ReadonlySet<string> = new Set([...ALLOWABLE, BAD_PERMISSION.code])

/**
 * Warns of what hurts on a live database: long locks, tables that are written anew, names that running code still says,
 * and files that cannot run or be taken back. Reads files only. What a file has made itself is fine, and in the first
 * file of a directory nothing is live yet. Findings are silenced, each with its reason, by a comment before the statement
 * or, for files that may not be edited any more, by a line in `lint-allow.txt` beside them.
 *
 * @param only names of the files to report on; the others are read for what they say of the schema. Default: all
 */
export async function lintMigrations(directory: string, only?: readonly string[]): Promise<LintReport> {
  const { files, problems } = await readEach(directory)
  const list = await readList(directory)
  const findings: LintFinding[] = problems.map(({ fileName, line, reason }) => ({
    ...FILE_REFUSED,
    why: `The engine refuses the file: ${reason}.`,
    fileName,
    line,
    statement: '',
  }))
  const allowed: AllowedFinding[] = []
  const used = new Set<ListedPermission>()
  for (const { file, report } of lintInOrder(files)) {
    allowed.push(...report.allowed)
    for (const finding of report.findings) {
      const entry = list.find(
        ({ version, codes }) => version === file.version && codes.includes(finding.code),
      )
      if (entry) allowed.push({ ...finding, reason: entry.reason })
      else findings.push(finding)
      if (entry) used.add(entry)
    }
  }
  findings.push(...list.filter((entry) => !used.has(entry)).map(uselessEntry))
  return reportOn(
    { findings, allowed },
    [...new Set([...files, ...problems].map(({ fileName }) => fileName))],
    only,
  )
}

function* lintInOrder(files: readonly Migration[]) {
  let facts = new Facts()
  for (const [index, file] of files.entries()) {
    const report = lintFile(file, { facts, isFirst: index === 0, allowable: ALLOWABLE })
    yield { file, report }
    facts = facts.forNextFile()
  }
}

async function readList(directory: string): Promise<ListedPermission[]> {
  try {
    return readPermissionList(await readFile(join(directory, PERMISSION_LIST), 'utf8'), LISTABLE)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

function uselessEntry({ line, version, problem }: ListedPermission): LintFinding {
  const reason = problem ?? `${version} has no such finding, or there is no such file`
  return badPermission(PERMISSION_LIST, line, version, reason)
}

function reportOn(
  { findings, allowed }: Pick<LintReport, 'findings' | 'allowed'>,
  names: readonly string[],
  only: readonly string[] | undefined,
): LintReport {
  const files = names.filter((name) => only === undefined || only.includes(name)).sort()
  const isWanted = ({ fileName }: LintFinding): boolean => only === undefined || only.includes(fileName)
  const byPlace = (one: LintFinding, other: LintFinding): number =>
    one.fileName.localeCompare(other.fileName, 'en') || one.line - other.line
  return {
    files,
    findings: findings.filter(isWanted).sort(byPlace),
    allowed: allowed.filter(isWanted).sort(byPlace),
  }
}
