import type { FastifyReply, FastifyRequest } from 'fastify'
import { appErrorIn } from '../../platform/index.ts'
import { httpErrors } from '../errors.ts'
import type { Exchanges } from '../exchange.ts'
import type { Guard } from '../guard.ts'
import type { HttpLimits } from '../limits.ts'
import { EventStream } from './event-stream.ts'

/** The media type of an event stream: what its route `produces`. */
export const EVENT_STREAM = 'text/event-stream'

export interface EventStreamOptions {
  /** Asked again every few seconds: whom it does not admit any more hears nothing more. */
  readonly guard: Pick<Guard<unknown>, 'onRequest'>
  /** Milliseconds after which the stream ends, whatever the guard says: what is left of the access token's life. */
  readonly lifeMs: number
}

interface StreamParts {
  readonly exchanges: Exchanges
  readonly limits: HttpLimits
}

/** How long a client waits before it comes again, in milliseconds. */
const RETRY_MS = 2_000

const partsOf = new WeakMap<object, StreamParts>()

/** Lets routes of the server open event streams. */
export function allowEventStreams(server: object, { exchanges, limits }: StreamParts): void {
  partsOf.set(server, { exchanges, limits })
}

/**
 * Answers a request with a stream of server-sent events, which then is the caller's to write and to end. It ends by itself
 * when the client goes away or reads too slowly, when its right to listen ends, and when the server closes. Its handler
 * gives `reply` back.
 *
 * @param server that of `createHttpServer`
 * @throws httpErrors.overloaded when too many are open, httpErrors.shuttingDown when the server closes
 */
export function openEventStream(
  server: object,
  request: FastifyRequest,
  reply: FastifyReply,
  options: EventStreamOptions,
): EventStream {
  const parts = partsOf.get(server)
  if (!parts) throw new Error('Not a server of createHttpServer')
  const { exchanges, limits } = parts
  // The answer may be given already, or its client gone: then nobody hears this.
  if (exchanges.closed || reply.sent || reply.raw.destroyed) throw httpErrors.shuttingDown()
  if (exchanges.streams >= limits.eventStreams) throw httpErrors.overloaded()
  const stream = new EventStream(reply.raw, limits.eventStreamBytes)
  exchanges.noteStream(request, () => stream.cut())
  reply.hijack()
  // Proxies such as nginx keep back what they think is a short answer.
  const own = { 'content-type': `${EVENT_STREAM}; charset=utf-8`, 'x-accel-buffering': 'no' }
  reply.raw.writeHead(200, { ...presentHeaders(reply), ...own })
  stream.retryAfter(RETRY_MS)
  keepUp(stream, request, options, limits)
  return stream
}

function presentHeaders(reply: FastifyReply): Record<string, string | number | string[]> {
  const present = Object.entries(reply.getHeaders()).filter(([, value]) => value !== undefined)
  return Object.fromEntries(present) as Record<string, string | number | string[]>
}

/** Says now and then that the stream is there, and looks whether its client may still listen. */
function keepUp(
  stream: EventStream,
  request: FastifyRequest,
  { guard, lifeMs }: EventStreamOptions,
  { heartbeatMs, readmitMs }: HttpLimits,
): void {
  let isAsking = false
  const readmit = async () => {
    if (isAsking) return
    isAsking = true
    if (await isRefused(guard, request)) stream.end()
    isAsking = false
  }
  const timers = [
    setInterval(() => stream.beat(), heartbeatMs),
    setInterval(() => void readmit(), readmitMs),
    setTimeout(() => stream.end(), Math.max(0, lifeMs)),
  ]
  for (const timer of timers) timer.unref()
  stream.onClose(() => {
    for (const timer of timers) clearTimeout(timer)
  })
}

/** A guard that cannot find out, because a database is away, refuses nobody. */
async function isRefused(guard: EventStreamOptions['guard'], request: FastifyRequest): Promise<boolean> {
  try {
    await guard.onRequest(request)
    return false
  } catch (error) {
    const status = appErrorIn(error)?.status
    return status !== undefined && status < 500
  }
}
