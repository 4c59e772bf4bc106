import type { FastifyInstance, RouteOptions } from 'fastify'
import type { HttpLimits } from './limits.ts'
import { RATE, type RatePolicy } from './rate-limits/policy.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Which limit the route counts against; `standard` by default, `false` for none. */
    rateLimit?: RatePolicy | false
    /** Media types that the route answers with; JSON by default. */
    produces?: readonly string[]
    /** How long the handler may take, guards included; 10 s by default. */
    timeoutMs?: number
    /** Whether it is served also while the process is overloaded or stops, as operators' routes are; not by default. */
    always?: boolean
    /** What the shell worked out of the above; not for routes to set. */
    shell?: RouteSettings
  }
}

/** What the shell knows of a route before its first request. */
export interface RouteSettings {
  /** The URL pattern, for logs and metrics: never what a client wrote. */
  readonly pattern: string
  readonly rate: RatePolicy | undefined
  /** `undefined` where the route sees to it itself. */
  readonly produces: readonly string[] | undefined
  readonly always: boolean
  readonly timeoutMs: number
}

/** Stands for every address that no route has. */
export const UNMATCHED: Omit<RouteSettings, 'timeoutMs'> = {
  pattern: 'unmatched',
  rate: RATE.standard,
  produces: ['application/json'],
  always: false,
}

/**
 * Works out the settings of every route once, when it is added.
 *
 * @throws when a route asks for more time than a silent connection is given
 */
export function settleRoutes(server: FastifyInstance, limits: HttpLimits): void {
  server.addHook('onRoute', (route) => {
    route.config = { ...route.config, shell: settingsOf(route, limits) }
  })
}

function settingsOf({ url, schema, config = {} }: RouteOptions, limits: HttpLimits): RouteSettings {
  const { rateLimit = RATE.standard, timeoutMs = limits.handlerTimeoutMs, always = false } = config
  // What the description of the API leaves out is pages and their parts, of many types.
  const { produces = schema?.hide ? undefined : UNMATCHED.produces } = config
  if (timeoutMs >= limits.connectionTimeoutMs) {
    throw new Error(
      `Route ${url}: timeoutMs must be below ${limits.connectionTimeoutMs}, when the connection closes`,
    )
  }
  return { pattern: url, rate: rateLimit || undefined, produces, always, timeoutMs }
}
