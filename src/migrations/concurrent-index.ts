import type { Statement } from './sql-statements.ts'

/** The index that a CREATE INDEX CONCURRENTLY makes, both names as written, quotes included. */
export interface ConcurrentIndex {
  readonly name: string
  /** With its schema when the statement names one. */
  readonly table: string
}

/**
 * Says which index a statement builds with CREATE INDEX CONCURRENTLY: `'unnamed'` when the server would
 * choose the name, `undefined` for any other statement.
 */
export function concurrentIndexOf({ head }: Statement): ConcurrentIndex | 'unnamed' | undefined {
  const tokens = [...head]
  const take = (...expected: string[]): boolean => {
    if (!expected.every((word, index) => tokens[index]?.toLowerCase() === word)) return false
    tokens.splice(0, expected.length)
    return true
  }

  if (!take('create')) return undefined
  take('unique')
  if (!take('index', 'concurrently')) return undefined
  take('if', 'not', 'exists')
  if (take('on')) return 'unnamed'
  const name = tokens.shift()
  if (name === undefined || !take('on')) return undefined
  take('only')
  const table = tokens.slice(0, tokens[1] === '.' ? 3 : 1).join('')
  return { name, table }
}

/** Says whether a statement waits for other transactions on purpose and lets them work meanwhile. */
export function isConcurrent({ head }: Statement): boolean {
  return head.some((token) => token.toLowerCase() === 'concurrently')
}
