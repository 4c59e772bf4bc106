import { type Token, tokensOf } from './sql-tokens.ts'

/** Where one statement stands in a text that holds several. */
export interface Statement {
  /** UTF-16 offset of its first token; leading comments are not part of it. */
  readonly start: number
  /** UTF-16 offset behind its last token, the semicolon left out. */
  readonly end: number
  /** Its first tokens as written, comments left out: enough to tell what kind of statement it is. */
  readonly head: readonly string[]
}

/** `CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS name ON ONLY schema . table` has 13. */
const HEAD_TOKENS = 16

/**
 * Splits SQL into its statements, as psql does: quotes, E strings, dollar quotes, nested comments,
 * parentheses (rules) and the `BEGIN ATOMIC … END` bodies of SQL functions hold semicolons that end nothing.
 *
 * @throws TextError for a quote or comment without an end
 */
export function splitStatements(sql: string): Statement[] {
  const statements: Statement[] = []
  let collector = new Collector()
  for (const token of tokensOf(sql)) {
    if (token.text === ';' && collector.isComplete) {
      statements.push(...collector.statement())
      collector = new Collector()
    } else {
      collector.add(token)
    }
  }
  return [...statements, ...collector.statement()]
}

/** Gathers the tokens of one statement. */
class Collector {
  readonly #head: string[] = []
  #start = -1
  #end = -1
  #parentheses = 0
  #blocks = 0

  /** Says whether a semicolon would end the statement here. */
  get isComplete(): boolean {
    return this.#parentheses === 0 && this.#blocks === 0
  }

  add({ text, start, end }: Token): void {
    if (this.#start < 0) this.#start = start
    this.#end = end
    if (text === '(') this.#parentheses++
    if (text === ')') this.#parentheses = Math.max(0, this.#parentheses - 1)
    this.#countBlocks(text.toLowerCase())
    if (this.#head.length < HEAD_TOKENS) this.#head.push(text)
  }

  /**
   * `BEGIN` opens a block only in CREATE FUNCTION and CREATE PROCEDURE; inside one, CASE ends with END as
   * well.
   */
  #countBlocks(word: string): void {
    if (word === 'begin' && this.#parentheses === 0 && createsRoutine(this.#head)) this.#blocks++
    else if (word === 'case' && this.#blocks > 0) this.#blocks++
    else if (word === 'end' && this.#blocks > 0) this.#blocks--
  }

  /** The statement, or nothing where there were no tokens. */
  statement(): Statement[] {
    if (this.#start < 0) return []
    return [Object.freeze({ start: this.#start, end: this.#end, head: this.#head })]
  }
}

function createsRoutine(head: readonly string[]): boolean {
  return /^create (or replace )?(function|procedure)\b/i.test(head.slice(0, 4).join(' '))
}
