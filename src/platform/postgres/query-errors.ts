import { DrizzleQueryError } from 'drizzle-orm'

/**
 * The error without the query builder's wrapping, whose message repeats the statement with its parameters: addresses,
 * names and hashes, which belong into no log and no other row.
 */
export function withoutStatement(error: unknown): unknown {
  return error instanceof DrizzleQueryError ? withoutStatement(error.cause) : error
}

/** What an operator may read of an error, in one line. */
export function messageOf(error: unknown): string {
  const bare = withoutStatement(error)
  if (bare instanceof AggregateError) return bare.errors.map(messageOf).join('; ')
  return bare instanceof Error ? bare.message : String(bare)
}
