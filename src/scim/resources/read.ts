import { scimErrors } from '../errors.ts'
import { SCIM_LIMITS } from '../limits.ts'
import { type Attribute, findAttribute } from './attribute.ts'

/** Attributes by their names, as they are kept. */
export type Attributes = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** @throws scimErrors.invalidSyntax unless it is an object */
export function requireObject(body: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(body)) throw scimErrors.invalidSyntax()
  return body
}

/** A text that an index takes; folding may have made it longer. @throws scimErrors.invalidValue */
export function requireShort(name: string, text: string): string {
  if (Buffer.byteLength(text) > SCIM_LIMITS.indexedBytes)
    throw scimErrors.invalidValue({ detail: `The attribute ${name} is too long.` })
  return text
}

/**
 * Reads attributes that a client sent: names in whatever case, as they are called here; those that nobody knows or nobody
 * may set are left out, and so is what means "unassigned" (null, an empty list, an empty text). The order is that of `known`,
 * so that what is equal looks equal.
 *
 * @throws scimErrors.invalidValue, tooMany; invalidSyntax when a name comes twice
 */
export function readAttributes(
  known: readonly Attribute[],
  given: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const read: Record<string, unknown> = {}
  const seen = new Set<string>()
  for (const [name, value] of Object.entries(given)) {
    const attribute = findAttribute(known, name)
    if (!attribute || attribute.mutability === 'readOnly') continue
    if (seen.has(attribute.name))
      throw scimErrors.invalidSyntax({ detail: `The attribute ${attribute.name} comes twice.` })
    seen.add(attribute.name)
    const kept = readAttribute(attribute, value)
    if (kept !== undefined) read[attribute.name] = kept
  }
  const order = known.map(({ name }) => name).filter((name) => Object.hasOwn(read, name))
  return Object.fromEntries(order.map((name) => [name, read[name]]))
}

/** One value of an attribute, or all of them where it has many; `undefined` where it is unassigned. Throws scimErrors. */
export function readAttribute(attribute: Attribute, value: unknown): unknown {
  if (value === null || value === undefined) return undefined
  if (!attribute.multiValued) return readOne(attribute, value)
  const elements = Array.isArray(value) ? value : [value]
  if (elements.length > SCIM_LIMITS.arrayElements)
    throw scimErrors.tooMany({ detail: `The attribute ${attribute.name} has too many values.` })
  const read = elements.map((element) => readOne(attribute, element)).filter((one) => one !== undefined)
  const primary = read.filter((one) => isObject(one) && one['primary'] === true)
  if (primary.length > 1) throw invalid(attribute, 'has more than one primary value')
  return read.length === 0 ? undefined : read
}

function readOne(attribute: Attribute, value: unknown): unknown {
  switch (attribute.type) {
    case 'boolean':
      return readBoolean(attribute, value)
    case 'complex':
      return readComplex(attribute, value)
    default:
      return readText(attribute, value)
  }
}

/** Entra writes booleans as `"True"` and `"False"`. */
function readBoolean(attribute: Attribute, value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === '') return undefined
  const text = typeof value === 'string' ? value.toLowerCase() : ''
  if (text !== 'true' && text !== 'false') throw invalid(attribute, 'is true or false')
  return text === 'true'
}

function readText(attribute: Attribute, value: unknown): string | undefined {
  if (typeof value !== 'string') throw invalid(attribute, 'is a text')
  if (value.length > SCIM_LIMITS.stringCharacters) throw invalid(attribute, 'is too long')
  return value === '' ? undefined : value
}

/** Where a part is called `value`, that alone stands for the whole too: Entra sends a manager so. */
function readComplex(attribute: Attribute, value: unknown): Record<string, unknown> | undefined {
  const parts = attribute.subAttributes ?? []
  const isShort = typeof value === 'string' && findAttribute(parts, 'value') !== undefined
  const given = isShort ? { value } : value
  if (!isObject(given)) throw invalid(attribute, 'is an object')
  const read = readAttributes(parts, given)
  return Object.keys(read).length === 0 ? undefined : read
}

function invalid({ name }: Attribute, what: string) {
  return scimErrors.invalidValue({ detail: `The attribute ${name} ${what}.` })
}
