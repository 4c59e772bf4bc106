/** Carries a schema's `$id` through the OpenAPI plugin, which drops it. */
const MARK = 'x-named'

type Json = Readonly<Record<string, unknown>>

/** Copies a schema with a mark on every part of it that has an `$id`. */
export function markNamedSchemas(schema: unknown): unknown {
  return mapObjects(schema, (node) => ('$id' in node ? { ...node, [MARK]: node['$id'] } : node))
}

/**
 * Moves every marked schema of an OpenAPI document to its components and refers to it from where it was: one name for
 * one schema, for readers and for generated clients.
 */
export function hoistNamedSchemas<Document extends object>(document: Document): Document {
  const named: Record<string, Json> = {}
  const { components, ...rest } = mapObjects(document, (node) => {
    const { [MARK]: name, ...schema } = node
    if (typeof name !== 'string') return node
    named[name] = schema
    return { $ref: `#/components/schemas/${name}` }
  }) as Document & { components?: { schemas?: object } }
  return { ...rest, components: { ...components, schemas: { ...components?.schemas, ...named } } } as Document
}

/** Copies a value of objects and arrays, with every object mapped after what is in it. */
function mapObjects(value: unknown, map: (node: Json) => Json): unknown {
  if (Array.isArray(value)) return value.map((element) => mapObjects(element, map))
  if (typeof value !== 'object' || value === null) return value
  return map(Object.fromEntries(Object.entries(value).map(([key, member]) => [key, mapObjects(member, map)])))
}
