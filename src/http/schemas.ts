import { type Static, type TObject, type TProperties, type TSchema, type TUnsafe, Type } from 'typebox'

/**
 * An object of exactly these properties: what a body, a query or the path parameters are described with. A property
 * that is not listed is refused with `unknown-property`.
 */
export function Exactly<Properties extends TProperties>(
  properties: Properties,
  options: { readonly $id?: string; readonly title?: string; readonly description?: string } = {},
): TObject<Properties> {
  return Type.Object(properties, { ...options, additionalProperties: false })
}

/**
 * `schema` or null, as `type: [string, null]`: unlike `anyOf`, the serializer writes it in one step and every OpenAPI
 * 3.1 tool reads it. Not for parameters, which have no way to say null.
 *
 * @throws when the schema has no single type, as a union or a reference has not
 */
export function Nullable<Schema extends TSchema>(schema: Schema): TUnsafe<Static<Schema> | null> {
  const { $id: _, type, enum: choices, ...rest } = schema as TSchema & Described
  if (typeof type !== 'string' && !choices) throw new Error('Nullable() needs a schema with one type')
  return Type.Unsafe({
    ...rest,
    ...(typeof type === 'string' && { type: [type, 'null'] }),
    ...(choices && { enum: [...choices, null] }),
  })
}

/** The parts of a schema that null changes. A choice has values instead of a type. */
interface Described {
  readonly $id?: string
  readonly type?: unknown
  readonly enum?: readonly unknown[]
}

/** An id as this server writes it: a UUID in lower case, with dashes and nothing around it. */
export const Id = Type.String({
  format: 'uuid',
  pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
  description: 'A UUID in lower case.',
})

/** A moment as this server writes it (RFC 3339, UTC). */
export const Timestamp = Type.String({ format: 'date-time', description: 'RFC 3339, in UTC.' })
