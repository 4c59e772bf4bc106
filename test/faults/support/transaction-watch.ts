import { textsIn, type WireMessage } from './wire.ts'

const BEGINS = /^\s*(begin|start\s+transaction)\b/i
const COMMITS = /(^|;)\s*(commit|end)(\s+(work|transaction))?\s*;?\s*$/i
const ROLLS_BACK = /^\s*(rollback|abort)\b(?!.*\bto\b)/i

/**
 * Follows what one client sends and knows which message commits what. A statement outside a transaction is one of its
 * own, which commits by itself.
 */
export class TransactionWatch {
  readonly #prepared = new Map<string, string>()
  #isOpen = false
  #statements: string[] = []

  /** Takes the client's next message. Gives the statements that it commits, or `undefined` when it commits none. */
  see({ type, body }: WireMessage): readonly string[] | undefined {
    const [first = '', second = ''] = textsIn(body)
    // Parse names a statement; Bind names a portal and the statement in it, and Execute follows.
    if (type === 'P') this.#prepared.set(first, second)
    if (type === 'Q') return this.#run(first)
    if (type === 'B') return this.#run(this.#prepared.get(second) ?? '')
    return undefined
  }

  #run(statement: string): readonly string[] | undefined {
    this.#statements.push(statement)
    if (ROLLS_BACK.test(statement)) {
      this.#end()
      return undefined
    }
    if (COMMITS.test(statement)) return this.#end()
    if (BEGINS.test(statement)) this.#isOpen = true
    return this.#isOpen ? undefined : this.#end()
  }

  #end(): readonly string[] {
    const ended = this.#statements
    this.#statements = []
    this.#isOpen = false
    return ended
  }
}
