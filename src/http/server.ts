import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import { fastify } from 'fastify'
import { Registry } from 'prom-client'
import { logAccess } from './access-log.ts'
import { createAnswerProblem } from './answer.ts'
import { serveOpenApi } from './docs/openapi-document.ts'
import { PROBLEMS, serveProblems } from './docs/problems.ts'
import { serveRedoc } from './docs/redoc.ts'
import { serveSwaggerUi } from './docs/swagger-ui.ts'
import { drainOnClose } from './drain.ts'
import { createErrorFormats, type ErrorFormatOf } from './error-format.ts'
import { EventLoopWatch } from './event-loop-watch.ts'
import { allowEventStreams } from './event-streams/open.ts'
import { Exchanges } from './exchange.ts'
import { fastifyOptions } from './fastify-options.ts'
import { acceptJsonOnly } from './json/body-parser.ts'
import { HTTP_LIMITS } from './limits.ts'
import { describeApi } from './openapi.ts'
import { registerGauges } from './ops/gauges.ts'
import { serveHealth } from './ops/health.ts'
import { serveMetrics } from './ops/metrics.ts'
import { RequestDurations } from './ops/request-durations.ts'
import { OPERATIONS } from './ops/tag.ts'
import type { HttpServerOptions } from './options.ts'
import { collectProblems, type ProblemCatalogue } from './problem.ts'
import { createRateLimits } from './rate-limits/limits.ts'
import { enforceRouteRules } from './route-rules.ts'
import { settleRoutes } from './route-settings.ts'
import { securityHeaders } from './security-headers.ts'
import type { HttpServer } from './server-type.ts'
import { type ShellParts, surround } from './shell.ts'
import { answerOddMessages, createRefuseSocket } from './socket-errors.ts'

/**
 * Makes the server that features add their routes to. It listens when the caller says so, on an address rather than on
 * `localhost` (which Fastify would open twice, out of `drainServer`'s sight); `server.close()` drains.
 *
 * @throws when two errors share a code
 */
export async function createHttpServer(options: HttpServerOptions): Promise<HttpServer> {
  const registry = options.metrics ?? new Registry()
  const problems = collectProblems(options.errors)
  const formatOf = createErrorFormats(options.errorFormats ?? [])
  const parts = createParts(options, registry, problems, formatOf)
  const { limits, exchanges } = parts
  const refuseSocket = createRefuseSocket(problems, parts.headers, options.log)
  const server = fastify(
    fastifyOptions(parts, refuseSocket, options.trustProxy),
  ).withTypeProvider<TypeBoxTypeProvider>()

  answerOddMessages(server.server, refuseSocket, limits.bodyBytes)
  acceptJsonOnly(server)
  settleRoutes(server, limits)
  enforceRouteRules(server)
  surround(server, parts)
  expireLateExchanges(server, exchanges, limits.checkIntervalMs)
  watchWhileOpen(server, parts.eventLoop)
  allowEventStreams(server, parts)
  const drain = drainOnClose(server, exchanges, limits.drainTimeoutMs)

  const tags = [...options.api.tags, OPERATIONS, PROBLEMS]
  const described = { ...options.api, tags, errorFormats: options.errorFormats ?? [], formatOf }
  await describeApi(server, described, options.version, options.publicUrl ?? '/')
  const { log, answerProblem } = parts
  serveHealth(server, { drain, checks: options.readiness ?? [], log, answerProblem })
  registerGauges(registry, options.gauges ?? [], log)
  serveMetrics(server, registry)
  serveProblems(server, problems)
  if (options.docs) await serveDocs(server, options.api.title)
  return server
}

function createParts(
  options: HttpServerOptions,
  registry: Registry,
  problems: ProblemCatalogue,
  formatOf: ErrorFormatOf,
): ShellParts {
  const { log } = options
  const limits = { ...HTTP_LIMITS, ...options.limits }
  const durations = new RequestDurations(registry)
  const exchanges = new Exchanges((exchange, end) => {
    durations.observe(exchange.request.method, exchange.pattern, end.status, end.latencyMs / 1000)
    logAccess(log, exchange, end)
  })
  return {
    exchanges,
    rateLimits: createRateLimits(options.rateLimits),
    eventLoop: new EventLoopWatch(limits.eventLoopDelayMs, log),
    limits,
    log,
    headers: securityHeaders(options.hsts ?? false),
    answerProblem: createAnswerProblem(problems, exchanges, formatOf),
  }
}

function expireLateExchanges(server: HttpServer, exchanges: Exchanges, intervalMs: number): void {
  const timer = setInterval(() => exchanges.expire(performance.now()), intervalMs)
  timer.unref()
  server.addHook('onClose', () => clearInterval(timer))
}

/** Not before the server is complete: to put it together may be a long turn, of which no request has to hear. */
function watchWhileOpen(server: HttpServer, eventLoop: EventLoopWatch): void {
  server.addHook('onReady', () => eventLoop.start())
  server.addHook('onClose', () => eventLoop.stop())
}

async function serveDocs(server: HttpServer, title: string): Promise<void> {
  serveOpenApi(server)
  await serveSwaggerUi(server, title)
  await serveRedoc(server, title)
}
