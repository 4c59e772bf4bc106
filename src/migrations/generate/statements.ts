import { splitStatements } from '../sql-statements.ts'
import type { Kit } from './kit.ts'
import { primaryKeyName } from './name-changes.ts'
import type { Snapshot } from './snapshot.ts'

/**
 * drizzle-kit writes a comment where it would have to know the name of a primary key; we know what PostgreSQL
 * chose.
 */
const PRIMARY_KEY_COMMENT = /table_schema = '(?<schema>[^']*)'\s+AND table_name = '(?<table>[^']*)'/

/**
 * The statements that lead from each model to the next, each with its semicolon.
 *
 * @throws Error when drizzle-kit gives something that is no statement
 */
export async function statementsAlong(kit: Kit, models: readonly Snapshot[]): Promise<string[]> {
  const statements: string[] = []
  for (const [index, model] of models.entries()) {
    const chunks = await kit.generateMigration(models[index - 1] ?? model, model)
    statements.push(...chunks.flatMap(cleanStatements))
  }
  return statements
}

function cleanStatements(chunk: string): string[] {
  const sql = chunk.replaceAll('--> statement-breakpoint', '')
  const statements = splitStatements(sql).map(({ start, end }) => `${withoutCascade(sql.slice(start, end))};`)
  if (statements.length > 0) return statements
  const { schema, table } = PRIMARY_KEY_COMMENT.exec(chunk)?.groups ?? {}
  if (!schema || !table) throw new Error(`drizzle-kit wrote no statement that can be run:\n${chunk}`)
  const name = schema === 'public' ? `"${table}"` : `"${schema}"."${table}"`
  return [`ALTER TABLE ${name} DROP CONSTRAINT "${primaryKeyName(table)}";`]
}

/** CASCADE would drop, without a word, what the models know nothing of. */
function withoutCascade(statement: string): string {
  return /^DROP\b/.test(statement) ? statement.replace(/\sCASCADE$/, '').trimEnd() : statement
}
