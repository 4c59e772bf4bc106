import { basename, dirname, join, relative, resolve } from 'node:path'
import { MIGRATIONS } from '../compose.ts'
import {
  type AllowedFinding,
  type LintFinding,
  type LintReport,
  lintMigrations,
} from '../migrations/index.ts'
import { type CommandContext, UsageError } from './context.ts'
import { EXIT, type ExitCode } from './exit-codes.ts'

type Tree = keyof typeof MIGRATIONS
const TREES: readonly Tree[] = ['core', 'tenant']
const directoryOf = (tree: Tree): string => resolve(MIGRATIONS[tree])

/** The findings of one tree, with the directory that their file names belong to. */
interface TreeReport extends LintReport {
  readonly directory: string
}

/**
 * `migrate lint`
 *
 * @param names files by name or path; the first may be a tree instead, which then is the only one. Default: everything
 */
export async function lint({ output }: CommandContext, names: readonly string[]): Promise<ExitCode> {
  const [first, ...others] = names
  const tree = TREES.find((one) => one === first)
  const reports = await lintTrees(tree ? [tree] : TREES, tree ? others : names)
  const findings = reports.flatMap((report) => report.findings.map((finding) => asJson(report, finding)))
  const allowed = reports.flatMap((report) =>
    report.allowed.map((finding) => ({ ...asJson(report, finding), reason: finding.reason })),
  )
  const files = reports.flatMap((report) => report.files).length
  const counts = `files: ${files}, findings: ${findings.length}, allowed with a reason: ${allowed.length}`
  output.data(
    { files, findings, allowed },
    [
      ...reports.flatMap((report) => report.findings.map((one) => inWords(report.directory, one))),
      counts,
    ].join('\n\n'),
  )
  return findings.length > 0 ? EXIT.notClean : EXIT.done
}

/** One finding for a person, with its place as editors know it. */
export function inWords(directory: string, finding: LintFinding): string {
  const { line, code, statement, why, better } = finding
  const shown = statement === '' ? '' : `\n  ${statement}`
  return `${placeOf(directory, finding)}:${line}: ${code}${shown}\n  ${why}\n  ${better}`
}

async function lintTrees(trees: readonly Tree[], names: readonly string[]): Promise<TreeReport[]> {
  const reports: TreeReport[] = []
  for (const tree of trees) {
    const directory = directoryOf(tree)
    const own = names.filter((name) => isIn(directory, name)).map((name) => basename(name))
    reports.push({ directory, ...(await lintMigrations(directory, names.length > 0 ? own : undefined)) })
  }
  const found = reports.flatMap(({ directory, files }) => files.map((file) => join(directory, file)))
  const odd = names.find((name) => !trees.some((tree) => found.includes(pathIn(directoryOf(tree), name))))
  if (odd !== undefined) throw new UsageError(`There is no migration ${odd} in ${trees.join(' or ')}.`)
  return reports
}

function isIn(directory: string, name: string): boolean {
  return dirname(pathIn(directory, name)) === directory
}

/** A bare name may be in any tree; anything else is a path from where the command runs. */
function pathIn(directory: string, name: string): string {
  return basename(name) === name ? join(directory, name) : resolve(name)
}

function placeOf(directory: string, { fileName }: LintFinding): string {
  return relative('', join(directory, fileName))
}

function asJson({ directory }: TreeReport, finding: LintFinding | AllowedFinding) {
  const { code, line, statement, why, better } = finding
  return { code, file: placeOf(directory, finding), line, statement, why, better }
}
