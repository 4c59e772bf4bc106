/** One event, or a comment, as it came. */
export interface ReceivedEvent {
  /** Without one: a comment, or `retry`. */
  readonly event?: string
  readonly id?: string
  readonly retry?: string
  readonly comment?: string
  /** The data as JSON; what a test reads of it, it also asserts. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads fields of many shapes, and a wrong one fails it.
  readonly data?: any
}

/** Reads an event stream as a browser would. */
export class EventStreamClient implements Disposable {
  readonly status: number
  readonly headers: Headers
  /** All that came so far. */
  readonly received: ReceivedEvent[] = []
  /** Settles when the stream ends: `true` by the server's will, `false` when it broke off. */
  readonly ended: Promise<boolean>
  readonly #gone: AbortController
  #listeners: (() => void)[] = []
  #isOver = false

  private constructor(response: Response, gone: AbortController) {
    this.status = response.status
    this.headers = response.headers
    this.#gone = gone
    this.ended = this.#read(response).then(
      () => true,
      () => false,
    )
    void this.ended.then(() => {
      this.#isOver = true
      this.#wake()
    })
  }

  /** Resolves when the answer has begun. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStreamClient> {
    const gone = new AbortController()
    const response = await fetch(url, {
      headers: { accept: 'text/event-stream', ...headers },
      signal: gone.signal,
    })
    return new EventStreamClient(response, gone)
  }

  /** Events of one name. */
  of(event: string): ReceivedEvent[] {
    return this.received.filter((one) => one.event === event)
  }

  /** Waits until what was received is enough. */
  async until(isEnough: (received: readonly ReceivedEvent[]) => boolean, withinMs = 20_000): Promise<void> {
    const deadline = setTimeout(() => this.leave(), withinMs)
    try {
      while (!isEnough(this.received)) {
        if (this.#isOver) throw new Error(`the stream ended after ${JSON.stringify(this.received)}`)
        await new Promise<void>((resolve) => this.#listeners.push(resolve))
      }
    } finally {
      clearTimeout(deadline)
    }
  }

  /** Goes away without a word. */
  leave(): void {
    this.#gone.abort()
  }

  [Symbol.dispose](): void {
    this.leave()
  }

  async #read(response: Response): Promise<void> {
    let text = ''
    for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const parts = (text + chunk).split('\n\n')
      text = parts.pop() ?? ''
      this.received.push(...parts.map(parse))
      this.#wake()
    }
  }

  #wake(): void {
    const listeners = this.#listeners
    this.#listeners = []
    for (const listener of listeners) listener()
  }
}

function parse(part: string): ReceivedEvent {
  const fields = part.split('\n').map((line) => {
    const colon = line.indexOf(':')
    const value = line.slice(colon + 1).replace(/^ /, '')
    const name = line.slice(0, colon) || 'comment'
    return [name, name === 'data' ? JSON.parse(value) : value]
  })
  return Object.fromEntries(fields)
}
