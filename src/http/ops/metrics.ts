import { collectDefaultMetrics, type Registry } from 'prom-client'
import { Type } from 'typebox'
import { responses } from '../responses.ts'
import type { HttpServer } from '../server-type.ts'
import { OPERATIONS } from './tag.ts'

/** Serves what the process measured, in Prometheus' text format. */
export function serveMetrics(server: HttpServer, registry: Registry): void {
  let collecting = false
  server.get(
    '/metrics',
    {
      config: {
        rateLimit: false,
        always: true,
        produces: ['text/plain', 'application/openmetrics-text'],
      },
      schema: {
        operationId: 'getMetrics',
        summary: 'Read the metrics of this process',
        tags: [OPERATIONS.name],
        produces: ['text/plain'],
        response: responses({ 200: Type.String({ description: 'Prometheus text format.' }) }),
      },
    },
    async (_request, reply) => {
      // Begun by the first reader: these watch the collector and the event loop for as long as the process lives.
      if (!collecting) collectDefaultMetrics({ register: registry })
      collecting = true
      reply.type(registry.contentType)
      return registry.metrics()
    },
  )
}
