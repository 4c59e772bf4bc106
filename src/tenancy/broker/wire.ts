import type pg from 'pg'

/** What the driver can do and its types leave out. */
interface Driver {
  /** Looked at for each statement: whether to send it before the one before it is answered. */
  pipeline: boolean
  /** Whether all that was sent is answered. */
  readonly readyForQuery: boolean
  /** When it gives up on an answer, counted from when it was given the statement. */
  readonly connectionParameters: { query_timeout: number | false }
  query(config: pg.QueryConfig, values: unknown[] | undefined, onAnswer: OnAnswer): void
}

/** Hears the answer to a statement: an error, or the result. */
export type OnAnswer = (error: Error | null, result: pg.QueryResult) => void

/** How statements travel on one connection: behind each other, or one caller's each after the answer to the one before. */
export class Wire {
  /** How long an answer may take from when its statement is the first under way, in milliseconds. */
  readonly answerMs: number
  readonly #client: pg.Client
  readonly #driver: Driver
  #isGathering = false

  /** It begins as a shared one. */
  constructor(client: pg.Client) {
    this.#client = client
    this.#driver = client as unknown as Driver
    this.answerMs = Number(this.#driver.connectionParameters.query_timeout) || Number.POSITIVE_INFINITY
    this.share()
  }

  /** Whether all that was sent is answered. */
  get isQuiet(): boolean {
    return this.#driver.readyForQuery
  }

  /** Whether the last answer left a transaction open. */
  get isInTransaction(): boolean {
    return this.#client.getTransactionStatus() !== 'I'
  }

  /** Pipelines what is sent. The driver's time-out would count the time that others take. */
  share(): void {
    this.#driver.pipeline = true
    this.#driver.connectionParameters.query_timeout = false
  }

  /** A statement after a failed one is not sent before the failure is known, and cursors work. */
  dedicate(): void {
    this.#driver.pipeline = false
    this.#driver.connectionParameters.query_timeout = Number.isFinite(this.answerMs) && this.answerMs
  }

  /** Sends a statement. `onAnswer` may hear of one that cannot be sent twice: at once, and when it would be its turn. */
  send(config: pg.QueryConfig, values: unknown[] | undefined, onAnswer: OnAnswer): void {
    this.#gather()
    // With a callback, because the driver's promises cost two more and a stack trace for each error.
    try {
      this.#driver.query(config, values, onAnswer)
    } catch (error) {
      onAnswer(error as Error, undefined as never)
    }
  }

  /** What is sent in one turn of the event loop goes out together: for small statements the system call is what costs. */
  #gather(): void {
    if (this.#isGathering) return
    this.#isGathering = true
    const { stream } = this.#client.connection
    stream.cork()
    setImmediate(() => {
      this.#isGathering = false
      stream.uncork()
    })
  }

  /** Ends the connection from this side; answers that are on their way do not arrive. */
  cut(): void {
    this.#client.connection.stream.destroy()
  }
}
