import type { Registry } from 'prom-client'
import type { ErrorCatalogue, Logger } from '../platform/index.ts'
import type { ErrorFormat } from './error-format.ts'
import type { HttpLimits } from './limits.ts'
import type { ApiDescription } from './openapi.ts'
import type { MetricGauge } from './ops/gauges.ts'
import type { ReadinessCheck } from './ops/health.ts'
import type { RateLimitOptions } from './rate-limits/limits.ts'

/** What `createHttpServer` is told. */
export interface HttpServerOptions {
  readonly log: Logger
  /** Of the application, for the API description. */
  readonly version: string
  readonly api: ApiDescription
  /** The errors of all features: they get their pages and their fixed texts from here. */
  readonly errors: readonly ErrorCatalogue[]
  /** Routes whose protocol writes errors in a form of its own; all others answer problem+json. */
  readonly errorFormats?: readonly ErrorFormat[]
  /** Whether `/docs`, `/redoc` and `/openapi.json` are served. */
  readonly docs: boolean
  readonly rateLimits: RateLimitOptions
  /** Where clients reach the server, for the API description; by default wherever the description was loaded from. */
  readonly publicUrl?: string
  /** What `/health/ready` looks at; nothing by default. */
  readonly readiness?: readonly ReadinessCheck[]
  /** Where features registered their metrics; a registry of the server's own by default. */
  readonly metrics?: Registry
  /** Figures that `/metrics` shows as they are when it is read; none by default. */
  readonly gauges?: readonly MetricGauge[]
  /** Whether to send `Strict-Transport-Security`; off by default. */
  readonly hsts?: boolean
  /**
   * Addresses of proxies (IP or CIDR) whose `X-Forwarded-For` is believed. By default nobody's: the address of the
   * socket counts.
   */
  readonly trustProxy?: false | string | readonly string[]
  readonly limits?: Partial<HttpLimits>
}
