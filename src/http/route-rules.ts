import type { FastifyInstance, RouteOptions } from 'fastify'

/** A JSON Schema as far as these rules look into it. */
interface SchemaNode {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, SchemaNode>>
  readonly items?: SchemaNode
  readonly additionalProperties?: unknown
}

/**
 * Refuses, when it is added, a route that forgot what clients rely on: a name and a summary in the API description, and
 * input that lists all it takes.
 */
export function enforceRouteRules(server: FastifyInstance): void {
  server.addHook('onRoute', (route) => {
    if (route.schema?.hide) return
    const fault = faultOf(route)
    if (fault) throw new Error(`Route ${route.method} ${route.url}: ${fault}`)
  })
}

function faultOf({ schema }: RouteOptions): string | undefined {
  if (!schema?.operationId || !schema.summary) return 'schema.operationId and schema.summary are missing'
  for (const part of ['body', 'querystring', 'params'] as const) {
    if (isOpen(schema[part] as SchemaNode | undefined))
      return `the ${part} takes unknown properties; use Exactly()`
  }
  return undefined
}

/** Says whether some object in the schema lists properties and takes others too. A record lists none. */
function isOpen(schema: SchemaNode | undefined): boolean {
  if (!schema) return false
  const { properties, items, additionalProperties } = schema
  if (properties && additionalProperties === undefined) return true
  return isOpen(items) || Object.values(properties ?? {}).some(isOpen)
}
