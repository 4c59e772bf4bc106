import type pg from 'pg'
import type { Connection } from '../../platform/index.ts'
import { BatchError, runBatch } from '../batch.ts'
import type { ObjectRow } from './catalog.ts'
import { COMMENTS, FUNCTIONS, POLICIES, TRIGGERS, VIEWS } from './catalog-code.ts'
import { EXTENSIONS, SCHEMAS, SEQUENCE_OWNERS, SEQUENCES, TYPES } from './catalog-schemas.ts'
import { FOREIGN_KEYS, INDEXES, TABLES } from './catalog-tables.ts'
import { viewDefinition } from './view-definition.ts'

/** In the order in which they are printed: each needs only what comes before it, as far as kinds can tell. */
const SECTIONS = [
  EXTENSIONS,
  SCHEMAS,
  TYPES,
  SEQUENCES,
  TABLES,
  SEQUENCE_OWNERS,
  FOREIGN_KEYS,
  FUNCTIONS,
  VIEWS,
  INDEXES,
  TRIGGERS,
  POLICIES,
  COMMENTS,
]

/** An empty search_path makes the server write every name with its schema, whatever the session's is. */
const BEFORE = ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', `SET LOCAL search_path = ''`]

/**
 * Writes down everything that was made in a database, in one round trip: extensions, schemas, types,
 * sequences, tables with their columns and constraints, indexes, functions, views, triggers, policies and
 * comments. The same schema gives the same text, on PostgreSQL 15 to 18 and in whatever order it came about;
 * only the columns of a table stand in the order in which they were added. Owners and grants belong to the
 * server and are left out, as are the two tables of the migration ledger.
 *
 * @param connection outside of a transaction
 * @returns SQL, one object a paragraph; empty for an empty database
 */
export async function dumpSchema(connection: Connection): Promise<string> {
  const results = await readCatalog(connection)
  const statements = results.flatMap(({ rows }) => rows).map(printObject)
  return statements.length === 0 ? '' : `${statements.join('\n\n')}\n`
}

async function readCatalog(connection: Connection): Promise<pg.QueryResult<ObjectRow>[]> {
  try {
    const results = await runBatch(connection, [...BEFORE, ...SECTIONS, 'COMMIT'].join(';\n'))
    return results.slice(BEFORE.length, BEFORE.length + SECTIONS.length)
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => undefined)
    throw error instanceof BatchError ? error.cause : error
  }
}

function printObject({ sql, definition }: ObjectRow): string {
  return definition === undefined ? sql : `${sql}\n${viewDefinition(definition)}`
}
