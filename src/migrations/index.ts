export { type AppliedMigration, checksumOf, checksumUpTo } from './applied.ts'
export { type DataLoss, dataLossOf } from './data-loss.ts'
export { dumpSchema } from './dump/dump.ts'
export * from './errors.ts'
export { migrationSet, readMigrations } from './files.ts'
export { GenerateOptionError, type RenameCandidate, RenameDecisionNeeded } from './generate/errors.ts'
export { type GenerateOptions, generateMigration } from './generate/generate.ts'
export type { Models } from './generate/kit.ts'
export { LINT_CODES } from './lint/codes.ts'
export type { AllowedFinding, LintFinding, LintReport } from './lint/finding.ts'
export { lintMigrations } from './lint/lint.ts'
export {
  type DownOptions,
  type MigrationResult,
  migrateDown,
  migrateUp,
  type UpOptions,
} from './migrate.ts'
export {
  type Direction,
  type Migration,
  type MigrationSet,
  type PrintedSection,
  printMigration,
  type Section,
} from './migration.ts'
export type { EngineOptions, Log, MigrationEvent } from './options.ts'
export { type DownTarget, filesToRevert } from './plan.ts'
export { revertedBy } from './reverted.ts'
export type { MigrationRun } from './run-plan.ts'
export { differencesOf } from './shape/difference.ts'
export { readShape, type Shape } from './shape/shape.ts'
export type { Statement } from './sql-statements.ts'
export {
  type MigrationHistoryRow,
  type MigrationState,
  type MigrationStatus,
  type MigrationStatusRow,
  migrationHistory,
  migrationStatus,
  schemaVersionOf,
} from './status.ts'
