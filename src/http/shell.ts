import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type AppError, type Logger, runInContext } from '../platform/index.ts'
import { isAcceptable } from './accept.ts'
import { refuseMalformed } from './admission.ts'
import type { AnswerProblem } from './answer.ts'
import { httpErrors } from './errors.ts'
import type { EventLoopWatch } from './event-loop-watch.ts'
import type { Exchange, Exchanges } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import { nothingFound } from './not-found.ts'
import { allowanceHeaders, type RateLimits } from './rate-limits/limits.ts'
import { networkOf } from './rate-limits/network.ts'
import { RATE } from './rate-limits/policy.ts'
import { type RouteSettings, UNMATCHED } from './route-settings.ts'

/** What the shell needs of the server that it surrounds. */
export interface ShellParts {
  readonly exchanges: Exchanges
  readonly rateLimits: RateLimits
  readonly eventLoop: EventLoopWatch
  readonly limits: HttpLimits
  readonly log: Logger
  /** Sent with every answer. */
  readonly headers: Readonly<Record<string, string>>
  readonly answerProblem: AnswerProblem
}

/** Puts the checks that every request passes in front of all routes, in the order that the error contract fixes. */
export function surround(server: FastifyInstance, parts: ShellParts): void {
  const unmatched: RouteSettings = { ...UNMATCHED, timeoutMs: parts.limits.handlerTimeoutMs }

  server.addHook('onRequest', (request, reply, done) => {
    const { config, bodyLimit } = request.routeOptions
    const route = config.shell ?? unmatched
    const exchange = beginExchange(parts, request, reply, route)
    if (!exchange) return
    const refusal = refuse(parts, exchange, bodyLimit)
    if (refusal) throw refusal
    if (!route.always) refuseWhenBusy(parts)
    countRequest(parts.rateLimits, request, reply, route)
    if (route === unmatched) throw nothingFound(server, request)
    if (route.produces && !isAcceptable(request.headers.accept, route.produces))
      throw httpErrors.notAcceptable()
    runInContext(exchange.context, done)
  })

  // Static files that are not there come here past the hook above.
  server.setNotFoundHandler(() => {
    throw httpErrors.notFound()
  })

  server.setErrorHandler((error, request, reply) => {
    // Fastify closes after any error of a body. Once the body has been read there is no reason to.
    if (request.raw.complete && !parts.exchanges.isLast(request)) reply.removeHeader('connection')
    parts.answerProblem(request, reply, error)
  })
}

/**
 * Answers what fails before a route is known: an address that does not decode, or a segment that is too long. No hook
 * runs for it.
 */
export function answerUnroutable(
  parts: ShellParts,
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const { limits } = parts
  const exchange = beginExchange(parts, request, reply, { ...UNMATCHED, timeoutMs: limits.handlerTimeoutMs })
  if (exchange) parts.answerProblem(request, reply, refuse(parts, exchange, limits.bodyBytes) ?? error)
}

function beginExchange(
  { exchanges, headers, log }: ShellParts,
  request: FastifyRequest,
  reply: FastifyReply,
  route: RouteSettings,
): Exchange | undefined {
  const exchange = exchanges.begin(request, reply, route)
  if (!exchange) return undefined
  reply.headers(headers).header('x-request-id', request.id)
  // The server's own logger instead of a child for each request: the context adds the request's id.
  request.log = log
  reply.log = log
  return exchange
}

function refuse(
  { exchanges, limits }: ShellParts,
  exchange: Exchange,
  bodyBytes: number,
): AppError | undefined {
  const refusal = refuseMalformed(exchange.request, bodyBytes, limits)
  if (refusal?.closes) exchanges.endConnection(exchange)
  return refusal?.error
}

/** Before anything is counted or looked up: a refusal that costs much would not help. */
function refuseWhenBusy({ exchanges, eventLoop }: ShellParts): void {
  if (exchanges.closed) throw httpErrors.shuttingDown()
  if (eventLoop.isBlocked) throw httpErrors.overloaded()
}

function countRequest(
  rateLimits: RateLimits,
  request: FastifyRequest,
  reply: FastifyReply,
  { rate }: RouteSettings,
): void {
  if (rate === undefined) return
  const allowance = rateLimits.spend(rate, networkOf(request.ip ?? ''))
  // The wide limit of all routes is told only to those who exceed it: two headers on every answer are not free.
  if (allowance && rate !== RATE.standard) reply.headers(allowanceHeaders(allowance))
}
