import { TextError } from './text-position.ts'

/** One token that is neither space nor comment. */
export interface Token {
  readonly text: string
  readonly start: number
  readonly end: number
}

/**
 * One token, of a quote or comment only its beginning. Quotes come before words, or the `E` of an E string
 * would be read as one. A word may hold `$`, therefore `a$b$c` begins no dollar quote.
 *
 * @see https://www.postgresql.org/docs/current/sql-syntax-lexical.html
 */
const TOKEN = new RegExp(
  [
    String.raw`(?<space>\s+|--[^\n]*)`,
    String.raw`(?<comment>/\*)`,
    `(?<quote>[eE]?'|")`,
    String.raw`(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)`,
    String.raw`[\w\u0080-\uffff][\w$\u0080-\uffff]*`,
    '.',
  ].join('|'),
  'sy',
)

/** After a line break, the next quote goes on with the string before it, by the same rules. */
const CONTINUED = /(?:[^\S\n]*(?:--[^\n]*)?\n)+[^\S\n]*'/y

/**
 * Reads the tokens of an SQL text, space and comments left out.
 *
 * @throws TextError for a quote or comment without an end
 */
export function* tokensOf(sql: string): Generator<Token> {
  for (const piece of piecesOf(sql)) if (piece.isToken) yield piece
}

/**
 * Reads the comments of an SQL text that begin with two dashes, without their line break.
 *
 * @throws TextError for a quote or comment without an end
 */
export function* lineCommentsOf(sql: string): Generator<Token> {
  for (const piece of piecesOf(sql)) if (piece.text.startsWith('--')) yield piece
}

interface Piece extends Token {
  readonly isToken: boolean
}

function* piecesOf(sql: string): Generator<Piece> {
  let start = 0
  while (start < sql.length) {
    TOKEN.lastIndex = start
    const { space, comment, quote, dollar } = TOKEN.exec(sql)?.groups ?? {}
    let end = TOKEN.lastIndex
    if (comment) end = endOfComment(sql, start)
    if (quote) end = endOfQuote(sql, start, quote)
    if (dollar) end = endOfDollarQuote(sql, start, dollar)
    yield { text: sql.slice(start, end), start, end, isToken: !space && !comment }
    start = end
  }
}

function endOfQuote(sql: string, start: number, open: string): number {
  const isEscaped = open.length === 2
  const quote = isEscaped ? "'" : open
  const edge = isEscaped ? /\\.|''?/gs : new RegExp(`${quote}${quote}?`, 'g')
  edge.lastIndex = start + open.length
  for (let match = edge.exec(sql); match; match = edge.exec(sql)) {
    if (match[0] !== quote) continue
    CONTINUED.lastIndex = edge.lastIndex
    if (!isEscaped || !CONTINUED.test(sql)) return edge.lastIndex
    edge.lastIndex = CONTINUED.lastIndex
  }
  throw new TextError(start, quote === '"' ? 'unterminated identifier' : 'unterminated string')
}

function endOfComment(sql: string, start: number): number {
  const edge = /\/\*|\*\//g
  edge.lastIndex = start
  let depth = 0
  for (let match = edge.exec(sql); match; match = edge.exec(sql)) {
    depth += match[0] === '/*' ? 1 : -1
    if (depth === 0) return edge.lastIndex
  }
  throw new TextError(start, 'unterminated comment')
}

function endOfDollarQuote(sql: string, start: number, tag: string): number {
  const close = sql.indexOf(tag, start + tag.length)
  if (close < 0) throw new TextError(start, `unterminated dollar quote ${tag}`)
  return close + tag.length
}
