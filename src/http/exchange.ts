import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { Abandonment, type AppError, abandonable, fromAddress, type WorkContext } from '../platform/index.ts'
import { httpErrors } from './errors.ts'

/** One request and its answer, from the first hook to the last byte. */
export interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Shared with everything that runs for the request: a guard adds whom it admitted. */
  readonly context: WorkContext & { readonly request_id: string }
  /** Ends what runs for a client that went away. */
  readonly abandonment: Abandonment
  /** The route's URL pattern. */
  readonly pattern: string
  readonly timeoutMs: number
  readonly startedAt: number
  /** When the client hears 503 if the handler is not done; on the clock of `performance.now()`. */
  deadline: number
}

/** What stands for the status of an answer that was never begun, as in other servers' logs. */
const CLIENT_CLOSED_REQUEST = 499

/** How an exchange ended. */
export interface ExchangeEnd {
  readonly status: number
  /** What was thrown, if that was a fault of ours. */
  readonly failure: unknown
  readonly durationMs: number
  /** Until the answer was there, or had begun where it is a stream. */
  readonly latencyMs: number
  /** The client, or a limit of ours, closed the connection before the answer was written. */
  readonly aborted: boolean
}

/** An answer that goes on for as long as somebody listens. */
interface Stream {
  readonly begunAt: number
  readonly end: () => void
}

/** Keeps the exchanges that run, so that each ends exactly once, in time, and is waited for at shutdown. */
export class Exchanges {
  readonly #running = new Set<Exchange>()
  readonly #finished = new WeakSet<Socket>()
  readonly #failures = new WeakMap<FastifyRequest, unknown>()
  readonly #streams = new Map<FastifyRequest, Stream>()
  readonly #onEnd: (exchange: Exchange, end: ExchangeEnd) => void
  #closing = false
  #closed = false

  constructor(onEnd: (exchange: Exchange, end: ExchangeEnd) => void) {
    this.#onEnd = onEnd
  }

  get running(): number {
    return this.#running.size
  }

  /** How many of them are streams. */
  get streams(): number {
    return this.#streams.size
  }

  /** Whether requests that come now are too late to be served. */
  get closed(): boolean {
    return this.#closed
  }

  /**
   * Begins an exchange. It ends when the response is written or its connection is gone, whichever is first.
   *
   * Gives `undefined` for a request that comes after the last one of its connection: a client may send it before it
   * learns that the connection closes. It must not run, because its answer could not be delivered.
   */
  begin(
    request: FastifyRequest,
    reply: FastifyReply,
    { pattern, timeoutMs }: Pick<Exchange, 'pattern' | 'timeoutMs'>,
  ): Exchange | undefined {
    if (this.isLast(request)) return undefined
    const startedAt = performance.now()
    const abandonment = new Abandonment()
    const exchange: Exchange = {
      request,
      reply,
      abandonment,
      context: abandonable(fromAddress({ request_id: request.id }, request.ip ?? ''), abandonment),
      pattern,
      timeoutMs,
      startedAt,
      deadline: startedAt + timeoutMs,
    }
    this.#running.add(exchange)
    // Not Fastify's onResponse: it never runs for an aborted request, and costs two listeners instead of one.
    reply.raw.on('close', () => this.#end(exchange))
    if (this.#closing) this.endConnection(exchange)
    return exchange
  }

  /** Whether the connection closes once this request, or one before it, is answered. */
  isLast({ raw }: FastifyRequest): boolean {
    return this.#finished.has(raw.socket)
  }

  /** Makes an exchange the last one of its connection. */
  endConnection({ request, reply }: Exchange): void {
    if (reply.raw.headersSent) return
    reply.header('connection', 'close')
    this.#finished.add(request.raw.socket)
  }

  /** Keeps what was thrown until the exchange ends, so that one line tells all of it. */
  noteFailure(request: FastifyRequest, failure: unknown): void {
    this.#failures.set(request, failure)
  }

  /** Makes an exchange a stream. @param end ends it: the server closes, or the client is gone */
  noteStream(request: FastifyRequest, end: () => void): void {
    this.#streams.set(request, { begunAt: performance.now(), end })
  }

  /** From now on every answer tells the client that its connection closes; those that run say so too. */
  announceClosing(): void {
    this.#closing = true
    // The newest on each connection: an older answer must not close it before the newer is written.
    const newest = new Map([...this.#running].map((exchange) => [exchange.request.raw.socket, exchange]))
    for (const exchange of newest.values()) this.endConnection(exchange)
  }

  /** From now on what has not begun is not begun any more. Streams would not end by themselves. */
  close(): void {
    this.#closed = true
    for (const { end } of this.#streams.values()) end()
  }

  /** Answers all that still run with 503, where that is still possible: nobody waits for them any longer. */
  giveUp(): void {
    for (const exchange of this.#running) this.#answerInstead(exchange, httpErrors.shuttingDown())
  }

  /**
   * Answers 503 to those whose handler is late. What it still does hears that it is in vain.
   *
   * @param now on the clock of `performance.now()`
   */
  expire(now: number): void {
    for (const exchange of this.#running) {
      const { request } = exchange
      // A pipelined request whose turn to be answered never came: Node.js does not report its end.
      if (request.raw.socket.destroyed) this.#end(exchange)
      else if (exchange.deadline <= now) this.#answerLate(exchange, now)
    }
  }

  #answerLate(exchange: Exchange, now: number): void {
    exchange.deadline = now + exchange.timeoutMs
    const cause = new Error(`No answer after ${exchange.timeoutMs} ms`)
    this.#answerInstead(exchange, httpErrors.overloaded({ cause }))
  }

  #answerInstead({ request, reply, abandonment }: Exchange, error: AppError): void {
    // While the body still arrives the handler has not begun, and Node.js has a time-out of its own for that.
    if (!request.raw.complete || reply.raw.headersSent) return
    reply.send(error)
    abandonment.abandon()
  }

  #end(exchange: Exchange): void {
    if (!this.#running.delete(exchange)) return
    const { request, reply, startedAt } = exchange
    const { headersSent, statusCode, writableFinished } = reply.raw
    if (!writableFinished) exchange.abandonment.abandon()
    const endedAt = performance.now()
    const stream = this.#streams.get(request)
    this.#streams.delete(request)
    stream?.end()
    this.#onEnd(exchange, {
      status: headersSent ? statusCode : CLIENT_CLOSED_REQUEST,
      failure: this.#failures.get(request),
      durationMs: endedAt - startedAt,
      latencyMs: (stream?.begunAt ?? endedAt) - startedAt,
      aborted: !writableFinished,
    })
  }
}
