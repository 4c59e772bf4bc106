import type { NodePgDatabase } from 'drizzle-orm/node-postgres'
import type { Executor } from './database.ts'

/**
 * Builds a named prepared statement once for each database and keeps it as long as that database is in use, so that
 * the hot path neither builds nor parses SQL again.
 *
 * @param build makes the statement, normally `(orm) => orm.select()….prepare('name')`
 */
export function preparedFor<Statement>(
  build: (orm: NodePgDatabase) => Statement,
): (db: Executor<string>) => Statement {
  const built = new WeakMap<NodePgDatabase, Statement>()
  return ({ orm }) => {
    const known = built.get(orm)
    if (known) return known
    const statement = build(orm)
    built.set(orm, statement)
    return statement
  }
}
