import type { Advice } from './rule.ts'

/** One place of a migration that would hurt. */
export interface LintFinding extends Advice {
  readonly fileName: string
  /** From 1. */
  readonly line: number
  /** The beginning of the statement, on one line. */
  readonly statement: string
}

/** A finding that somebody has allowed. */
export interface AllowedFinding extends LintFinding {
  readonly reason: string
}

/** What the lint says of one directory. */
export interface LintReport {
  /** The names of the files that were asked for and are there, in order. */
  readonly files: readonly string[]
  readonly findings: readonly LintFinding[]
  readonly allowed: readonly AllowedFinding[]
}
