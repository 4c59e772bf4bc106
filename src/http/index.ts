export { prefers } from './accept.ts'
export { MALFORMED_CREDENTIALS, readBearerToken } from './bearer-token.ts'
export { TEXT_PAGE_CONTENT_POLICY } from './docs/content-policy.ts'
export { escapeHtml, htmlPage } from './docs/html.ts'
export { type DrainOptions, drainServer } from './drain.ts'
export { ETagHeader, entityTagOf, IfMatchHeaders, readIfMatch } from './entity-tag.ts'
export type { ErrorFormat } from './error-format.ts'
export { httpErrors } from './errors.ts'
export type { EventStream, ServerEvent } from './event-streams/event-stream.ts'
export { EVENT_STREAM, type EventStreamOptions, openEventStream } from './event-streams/open.ts'
export {
  createGuard,
  type Guard,
  type PermissionGuard,
  type PermissionOptions,
  type SecurityRequirement,
} from './guard.ts'
export { IdempotencyKeyHeaders, readIdempotencyKey } from './idempotency-key.ts'
export { acceptJsonAs } from './json/body-parser.ts'
export { isCleanText } from './json/text.ts'
export { HTTP_LIMITS, type HttpLimits } from './limits.ts'
export type { ApiDescription, BearerScheme, HeaderScheme } from './openapi.ts'
export type { MetricGauge } from './ops/gauges.ts'
export type { ReadinessCheck } from './ops/health.ts'
export type { HttpServerOptions } from './options.ts'
export {
  type Cursors,
  createCursors,
  type PagedList,
  PageQuery,
  type PageQueryValues,
  pageOf,
  readPage,
} from './pagination.ts'
export { PROBLEM_TYPE_BASE, Problem } from './problem.ts'
export {
  type Allowance,
  allowanceHeaders,
  createRateLimits,
  type RateLimitOptions,
  type RateLimits,
  refusalOf,
} from './rate-limits/limits.ts'
export { coarseNetworkOf, networkOf } from './rate-limits/network.ts'
export { RATE, type RatePolicy } from './rate-limits/policy.ts'
export { responses } from './responses.ts'
export { Exactly, Id, Nullable, Timestamp } from './schemas.ts'
export { createHttpServer } from './server.ts'
export type { HttpServer } from './server-type.ts'
