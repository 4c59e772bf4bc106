import type { ServerResponse } from 'node:http'

/** One server-sent event. */
export interface ServerEvent {
  readonly event: string
  /** Written as JSON. */
  readonly data: unknown
  /** What the client says in `Last-Event-ID` when it comes again; without it the one before stays. */
  readonly id?: string
}

/**
 * An answer that goes on for as long as its client listens. One whose client reads too slowly is cut off, so that it
 * cannot fill the memory: clients come again by themselves.
 */
export class EventStream {
  readonly #answer: ServerResponse
  readonly #maxBytes: number
  readonly #listeners = new Set<() => void>()
  #isOpen = true

  /** @param maxBytes most that its client may leave unread */
  constructor(answer: ServerResponse, maxBytes: number) {
    this.#answer = answer
    this.#maxBytes = maxBytes
    answer.on('close', () => this.#close())
    // Whatever was wrong with its connection, the stream is over; an error that nobody hears would end the process.
    answer.on('error', () => this.#close())
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Calls `listener` once: when the stream has ended, or its client is gone. */
  onClose(listener: () => void): void {
    if (this.#isOpen) this.#listeners.add(listener)
    else listener()
  }

  /** Writes events at once. After the end nothing is written. */
  send(...events: readonly ServerEvent[]): void {
    this.#write(events.map(format).join(''))
  }

  /** Says how many milliseconds a client waits before it comes again. */
  retryAfter(milliseconds: number): void {
    this.#write(`retry: ${milliseconds}\n\n`)
  }

  /** Writes a comment, which keeps proxies from closing a silent connection. */
  beat(): void {
    this.#write(': still here\n\n')
  }

  /** Resolves when there is room for more, or the stream has ended. */
  async drained(): Promise<void> {
    if (!this.#isOpen || !this.#answer.writableNeedDrain) return
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#answer.once('drain', resolve)
    this.onClose(resolve)
    await promise
    this.#answer.off('drain', resolve)
    this.#listeners.delete(resolve)
  }

  /** Ends it once all is written. */
  end(): void {
    if (!this.#isOpen) return
    this.#close()
    this.#answer.end()
  }

  /** Ends it at once: what its client has not read by now is lost. */
  cut(): void {
    this.#close()
    if (this.#answer.destroyed) return
    if (this.#answer.writableLength === 0) this.#answer.end()
    else this.#answer.destroy()
  }

  #write(text: string): void {
    if (!this.#isOpen) return
    if (this.#answer.writableLength > this.#maxBytes) this.cut()
    else this.#answer.write(text)
  }

  #close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}

/** JSON has no line breaks, which is what would end a field. */
function format({ event, data, id }: ServerEvent): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`
}
