import type { Logger } from '../platform/index.ts'
import type { Exchange, ExchangeEnd } from './exchange.ts'

/**
 * Writes the one line that a request gets. It names the route's pattern instead of the URL: what clients write, queries
 * above all, stays out of the log. What was our fault is in the same line, as an error (500) or a warning (503).
 */
export function logAccess(log: Logger, exchange: Exchange, end: ExchangeEnd): void {
  const { status, failure, durationMs, aborted } = end
  const level = levelOf(status)
  if (!log.isLevelEnabled(level)) return
  log[level](
    {
      ...exchange.context,
      method: exchange.request.method,
      route: exchange.pattern,
      status,
      duration_ms: Math.round(durationMs * 100) / 100,
      ...(aborted && { aborted }),
      ...(failure !== undefined && { err: failure }),
    },
    'request',
  )
}

function levelOf(status: number): 'info' | 'warn' | 'error' {
  if (status < 500) return 'info'
  return status === 500 ? 'error' : 'warn'
}
