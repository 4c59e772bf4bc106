import { Gauge, type Registry } from 'prom-client'
import type { Logger } from '../../platform/index.ts'

/**
 * A figure of the process, such as the connections that are open now. It has no labels, so that it stays one line
 * however many tenants there are.
 */
export interface MetricGauge {
  /** In Prometheus' way, such as `tenantry_tenant_connections`. */
  readonly name: string
  readonly help: string
  /** Gives the figure as it is now. Must be cheap: it runs whenever `/metrics` is read. */
  collect(): number
}

/**
 * Adds gauges to what `/metrics` shows. One that throws shows NaN and takes nothing else with it.
 *
 * @throws when two metrics share a name
 */
export function registerGauges(registry: Registry, gauges: readonly MetricGauge[], log: Logger): void {
  for (const { name, help, collect } of gauges) {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read(name, collect, log))
      },
    })
  }
}

function read(name: string, collect: () => number, log: Logger): number {
  try {
    return collect()
  } catch (error) {
    log.warn({ err: error, metric: name }, 'a gauge could not be read')
    return Number.NaN
  }
}
