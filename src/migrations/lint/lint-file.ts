import { changesOf } from '../changes/changes.ts'
import type { Direction, Migration, Section } from '../migration.ts'
import { lineCommentsOf } from '../sql-tokens.ts'
import { lineAt } from '../text-position.ts'
import { BAD_PERMISSION, MISSING_DOWN, RULES } from './codes.ts'
import type { Facts } from './facts.ts'
import type { AllowedFinding, LintFinding } from './finding.ts'
import { lintTextOf, type Permission, readPermission } from './permissions.ts'
import type { Advice } from './rule.ts'

/** What is known of a file before it is looked at. */
export interface FileContext {
  /** The schema before this file; takes up what its way up does. */
  readonly facts: Facts
  /** Whether it is the first one of its tree: nothing can be live yet. */
  readonly isFirst: boolean
  /** Every code that a comment may allow. */
  readonly allowable: ReadonlySet<string>
}

/** What one file has, apart from what its comments allow. */
export interface FileReport {
  readonly findings: readonly LintFinding[]
  readonly allowed: readonly AllowedFinding[]
}

/** A finding with the part of the text, in UTF-16 units, in which a comment may allow it. */
interface Placed {
  readonly finding: LintFinding
  readonly from: number
  readonly to: number
}

/** A comment to the lint. */
interface Remark extends Permission {
  readonly start: number
  readonly text: string
  isUsed: boolean
}

/** Looks at one file. */
export function lintFile(file: Migration, context: FileContext): FileReport {
  const placed = [...placedFindings(file, context)]
  const remarks = remarksOf(file, context.allowable)
  const findings: LintFinding[] = []
  const allowed: AllowedFinding[] = []
  for (const { finding, from, to } of placed) {
    const remark = remarks.find(
      ({ start, codes }) => start >= from && start < to && codes.includes(finding.code),
    )
    if (remark) {
      remark.isUsed = true
      allowed.push({ ...finding, reason: remark.reason })
    } else findings.push(finding)
  }
  const useless = remarks.filter(({ isUsed }) => !isUsed).map((remark) => uselessFinding(file, remark))
  return { findings: [...findings, ...useless].sort((one, other) => one.line - other.line), allowed }
}

function* placedFindings(file: Migration, context: FileContext): Generator<Placed> {
  const { up, down } = file
  if (!down && !context.isFirst) {
    // There is no statement to warn of, so the comment stands anywhere before the first one.
    const statement = '-- migrate:up'
    const finding = { ...MISSING_DOWN, fileName: file.fileName, line: up.line - 1, statement }
    yield { finding, from: 0, to: up.offset + (up.statements[0]?.start ?? 0) }
  }
  yield* findingsIn(file, 'up', up, context.facts, context.isFirst)
  if (down) yield* findingsIn(file, 'down', down, context.facts.forWayBack(), context.isFirst)
}

function* findingsIn(
  { fileName }: Migration,
  direction: Direction,
  section: Section,
  facts: Facts,
  isFirst: boolean,
): Generator<Placed> {
  const { transaction, sql, offset } = section
  let from = offset
  for (const { start, end } of section.statements) {
    const text = sql.slice(start, end)
    const to = offset + start
    for (const change of changesOf(text)) {
      const line = section.line + lineAt(sql, start + change.at) - 1
      for (const rule of isFirst ? ALWAYS : RULES) {
        const advice = rule.judge(change, { direction, transaction, facts })
        if (advice) yield { finding: { ...advice, fileName, line, statement: beginning(text) }, from, to }
      }
      facts.note(change)
    }
    from = offset + end
  }
}

const ALWAYS = RULES.filter(({ always }) => always)

/** Comments count that begin their line; behind a statement it would be unclear which one is meant. */
function remarksOf({ text }: Migration, allowable: ReadonlySet<string>): Remark[] {
  return [...lineCommentsOf(text)].flatMap((comment) => {
    const said = lintTextOf(comment)
    if (said === undefined) return []
    const { start } = comment
    const before = text.slice(text.lastIndexOf('\n', start - 1) + 1, start)
    const permission = readPermission(said, allowable)
    const isOwnLine = before.trim() === ''
    const problem = permission.problem ?? (isOwnLine ? undefined : 'it must stand in a line of its own')
    const codes = problem === undefined ? permission.codes : []
    return [{ ...permission, codes, problem, start, text: comment.text, isUsed: false }]
  })
}

function uselessFinding({ fileName, text }: Migration, remark: Remark): LintFinding {
  const reason = remark.problem ?? 'the statement after it has no such finding'
  return badPermission(fileName, lineAt(text, remark.start), remark.text, reason)
}

/** Says of a permission why it permits nothing. */
export function badPermission(fileName: string, line: number, text: string, reason: string): LintFinding {
  const advice: Advice = { ...BAD_PERMISSION, why: `${BAD_PERMISSION.why.slice(0, -1)}: ${reason}.` }
  return { ...advice, fileName, line, statement: beginning(text) }
}

const SHOWN = 80

function beginning(statement: string): string {
  const line = statement.replaceAll(/\s+/g, ' ').trim()
  return line.length > SHOWN ? `${line.slice(0, SHOWN - 1)}…` : line
}
