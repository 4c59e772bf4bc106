import type { Connection } from '../../platform/index.ts'
import { BatchError, runBatch } from '../batch.ts'
import { READ_SHAPE } from './statement.ts'

/** What there is in a database: each object, such as `table notes`, with its parts; `''` is the object itself. */
export type Shape = ReadonlyMap<string, ReadonlyMap<string, string>>

interface ShapeRow {
  readonly object: string
  readonly part: string
  readonly definition: string
}

/** An empty search_path makes the server write every name with its schema, whatever the session's is. */
const BEFORE = ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', `SET LOCAL search_path = ''`]

/**
 * Reads the catalogue with one statement, in one round trip.
 *
 * @param connection outside of a transaction
 */
export async function readShape(connection: Connection): Promise<Shape> {
  const rows = await readRows(connection)
  const objects = Map.groupBy(rows, ({ object }) => withoutPublic(object))
  return new Map(
    [...objects].map(([object, parts]) => [
      object,
      new Map(parts.map(({ part, definition }) => [part, definition])),
    ]),
  )
}

async function readRows(connection: Connection): Promise<ShapeRow[]> {
  try {
    const results = await runBatch(connection, [...BEFORE, READ_SHAPE, 'COMMIT'].join(';\n'))
    return results[BEFORE.length]?.rows ?? []
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => undefined)
    throw error instanceof BatchError ? error.cause : error
  }
}

/** People say `table notes`. */
function withoutPublic(object: string): string {
  return object.replace(/^([a-z ]+ )public\./, '$1')
}
