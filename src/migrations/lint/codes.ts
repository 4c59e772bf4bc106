import type { Advice, MadeRule } from './rule.ts'
import { COLUMN_RULES } from './rules/columns.ts'
import { COMPATIBILITY_RULES } from './rules/compatibility.ts'
import { CONSTRAINT_RULES } from './rules/constraints.ts'
import { INDEX_RULES } from './rules/indexes.ts'
import { TRANSACTION_RULES } from './rules/transactions.ts'
import { WRITING_RULES } from './rules/writing.ts'

/** Every rule on statements. A new one goes into the file of its group, or into one more group here. */
export const RULES: readonly MadeRule[] = [
  ...COLUMN_RULES,
  ...CONSTRAINT_RULES,
  ...INDEX_RULES,
  ...COMPATIBILITY_RULES,
  ...WRITING_RULES,
  ...TRANSACTION_RULES,
]

/** A file without a way back. */
export const MISSING_DOWN: Advice = {
  code: 'missing-down',
  why: 'A run that brings this file cannot be rolled back.',
  better: 'Write "-- migrate:down" and what undoes the file; where there is nothing to undo, SELECT 1;',
}

/** A file that the engine does not take at all; the reason is that of the engine. */
export const FILE_REFUSED: Advice = {
  code: 'file-refused',
  why: 'The engine refuses the file.',
  better: 'Mend the file; nothing runs in this tree until then.',
}

/** A permission that permits nothing; the reason says what is wrong with it. */
export const BAD_PERMISSION: Advice = {
  code: 'bad-permission',
  why: 'It silences nothing.',
  better: 'Before the statement: -- lint: allow CODE because REASON',
}

/** The codes of all findings; those of the last two cannot be permitted. */
export const LINT_CODES: readonly string[] = [
  ...RULES.map(({ code }) => code),
  MISSING_DOWN.code,
  FILE_REFUSED.code,
  BAD_PERMISSION.code,
]
