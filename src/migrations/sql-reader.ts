import type { Token } from './sql-tokens.ts'

/** A name as it stands in SQL, its quotes taken off and letters outside of quotes made small. */
export interface Name {
  /** Absent where the statement names none. */
  readonly schema: string | undefined
  readonly name: string
}

/** The same table has the same label, whether its statement says `public` or not. */
export function labelOf({ schema, name }: Name): string {
  return schema === undefined || schema === 'public' ? name : `${schema}.${name}`
}

const WORD = /^[\w\u0080-\uffff]/

/** Goes through the tokens of one statement, or of a part of it, from left to right. */
export class SqlReader {
  readonly tokens: readonly Token[]
  #index = 0

  constructor(tokens: readonly Token[]) {
    this.tokens = tokens
  }

  get isAtEnd(): boolean {
    return this.#index >= this.tokens.length
  }

  /** Where the next token begins; behind the last one its end. */
  get position(): number {
    return this.tokens[this.#index]?.start ?? this.tokens.at(-1)?.end ?? 0
  }

  /** The next token but `ahead` in small letters, quotes left on; empty at the end. */
  peek(ahead = 0): string {
    return this.tokens[this.#index + ahead]?.text.toLowerCase() ?? ''
  }

  /** Goes past these words when they are next, all of them. */
  take(...words: readonly string[]): boolean {
    if (!words.every((word, index) => this.peek(index) === word)) return false
    this.#index += words.length
    return true
  }

  /** Goes past the next token. */
  skip(): void {
    this.#index++
  }

  /** Goes past one part of a name; nothing when none is next. */
  part(): string | undefined {
    const text = this.tokens[this.#index]?.text ?? ''
    if (text.startsWith('"')) {
      this.#index++
      return text.slice(1, -1).replaceAll('""', '"')
    }
    if (!WORD.test(text)) return undefined
    this.#index++
    return text.toLowerCase()
  }

  /** Goes past a name, with or without a schema (and a database before that). */
  name(): Name | undefined {
    const parts = [this.part()]
    while (parts.at(-1) !== undefined && this.take('.')) parts.push(this.part())
    const name = parts.at(-1)
    return name === undefined ? undefined : { name, schema: parts.at(-2) }
  }

  /** Goes past a list of names, `ONLY` before and `*` behind each left out. */
  names(): Name[] {
    const names: Name[] = []
    do {
      this.take('only')
      const name = this.name()
      if (!name) break
      names.push(name)
      this.take('*')
    } while (this.take(','))
    return names
  }

  /** Goes past what stands in parentheses and gives it, when they are next. */
  group(): SqlReader | undefined {
    if (this.peek() !== '(') return undefined
    const start = this.#index + 1
    this.#skipNested()
    return new SqlReader(this.tokens.slice(start, this.#index - 1))
  }

  /** Goes on to the first of these words outside of parentheses and CASE, or to the end, and gives what was passed. */
  until(words: ReadonlySet<string>): SqlReader {
    const start = this.#index
    while (!this.isAtEnd && !words.has(this.peek())) this.#skipNested()
    return new SqlReader(this.tokens.slice(start, this.#index))
  }

  /** Goes to the end and gives what is between the commas that stand outside of parentheses. */
  list(): SqlReader[] {
    const items: SqlReader[] = []
    while (!this.isAtEnd) {
      items.push(this.until(COMMA))
      this.skip()
    }
    return items
  }

  /** Says whether these words follow each other anywhere ahead, outside of parentheses. */
  has(...words: readonly string[]): boolean {
    const ahead = new SqlReader(this.tokens.slice(this.#index))
    while (!ahead.isAtEnd) {
      if (ahead.take(...words)) return true
      ahead.#skipNested()
    }
    return false
  }

  /** What is ahead, its tokens one space apart. */
  rest(): string {
    return this.tokens
      .slice(this.#index)
      .map(({ text }) => text)
      .join(' ')
  }

  #skipNested(): void {
    let depth = 0
    do {
      const word = this.peek()
      if (OPEN.has(word)) depth++
      if (CLOSE.has(word)) depth--
      this.#index++
    } while (depth > 0 && !this.isAtEnd)
  }
}

const COMMA = new Set([','])
/** WHEN and FROM inside of CASE … END belong to it. */
const OPEN = new Set(['(', '[', 'case'])
const CLOSE = new Set([')', ']', 'end'])
