const IDENTIFIER = /^[a-z_][a-z0-9_-]{0,62}$/

/**
 * Quotes a name that the platform made itself (a database, role or schema). Names from outside never become
 * identifiers; this refuses whatever does not look like one of ours.
 *
 * @throws Error when `name` is not lower case letters, digits, `_` and `-`, or is longer than 63 bytes
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS
 */
export function quoteIdentifier(name: string): string {
  if (!IDENTIFIER.test(name)) throw new Error('refused to quote an identifier that the platform did not make')
  return `"${name}"`
}

/** Quotes a text constant for statements that take no parameters (COMMENT ON, ALTER ROLE). */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new Error('a text constant cannot hold a NUL')
  const escaped = text.replaceAll("'", "''")
  return text.includes('\\') ? ` E'${escaped.replaceAll('\\', '\\\\')}'` : `'${escaped}'`
}
