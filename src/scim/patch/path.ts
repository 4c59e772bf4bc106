import { scimErrors } from '../errors.ts'
import { type Condition, parseFilter } from '../filter/parse.ts'
import { SCIM_LIMITS } from '../limits.ts'
import { type Attribute, findAttribute } from '../resources/attribute.ts'

/** What an operation is about. */
export interface Target {
  readonly attribute: Attribute
  /** Which values of a list. */
  readonly filter: Condition | undefined
  /** Which part of the attribute, or of each of those values. */
  readonly part: Attribute | undefined
}

/** Resources as far as paths look at them. */
export interface PathScope {
  readonly attributes: readonly Attribute[]
  /** In front of which attributes may be named. */
  readonly urn: string
  /** Names that are known and mean nothing, in lower case. */
  readonly ignored: ReadonlySet<string>
}

/** `attribute`, `attribute.part`, `attribute[filter]` or `attribute[filter].part` (RFC 7644, figure 7). */
const PATH = /^([A-Za-z][\w-]*)(?:\[([^[\]]*)\])?(?:\.([A-Za-z$][\w-]*))?$/

/**
 * Reads a path. All names in it are looked up among those that the resource has: none is ever used as it was sent.
 *
 * @returns `undefined` for an attribute that is known and means nothing
 * @throws scimErrors.invalidPath, invalidFilter
 */
export function parsePath(text: string, scope: PathScope): Target | undefined {
  if (text.length > SCIM_LIMITS.pathCharacters) throw scimErrors.invalidPath()
  const extension = scope.attributes.find(({ name }) => name.includes(':') && isWithin(text, name))
  if (extension) {
    const rest = text.slice(extension.name.length + 1)
    return rest === '' ? whole(extension) : inExtension(extension, rest)
  }
  const prefix = `${scope.urn}:`
  const local = isWithin(text, scope.urn) ? text.slice(prefix.length) : text
  const [, name = '', filter, part] = PATH.exec(local) ?? []
  if (scope.ignored.has(name.toLowerCase())) return undefined
  const attribute = findAttribute(scope.attributes, name)
  if (!attribute) throw scimErrors.invalidPath()
  const target = { attribute, filter: filter === undefined ? undefined : filterOf(attribute, filter) }
  return { ...target, part: part === undefined ? undefined : partOf(attribute, part) }
}

/** `urn:…:User:department`, and `urn:…:User:manager.value`, of which the whole manager is meant. */
function inExtension(extension: Attribute, rest: string): Target {
  const [name = '', below] = rest.split('.')
  const part = partOf(extension, name)
  if (below !== undefined) partOf(part, below)
  return { attribute: extension, filter: undefined, part }
}

function whole(attribute: Attribute): Target {
  return { attribute, filter: undefined, part: undefined }
}

/** Names of schemas are compared in whatever case. */
function isWithin(text: string, urn: string): boolean {
  const start = text.slice(0, urn.length + 1).toLowerCase()
  return start === urn.toLowerCase() || start === `${urn.toLowerCase()}:`
}

function partOf(attribute: Attribute, name: string): Attribute {
  const part = findAttribute(attribute.subAttributes ?? [], name)
  if (!part) throw scimErrors.invalidPath()
  if (part.mutability === 'readOnly') throw scimErrors.mutability()
  return part
}

function filterOf(attribute: Attribute, text: string): Condition {
  if (!attribute.multiValued) throw scimErrors.invalidPath()
  const filter = parseFilter(text)
  requireParts(filter, attribute)
  return filter
}

function requireParts(condition: Condition, attribute: Attribute): void {
  switch (condition.op) {
    case 'and':
    case 'or':
      for (const part of condition.parts) requireParts(part, attribute)
      return
    case 'not':
      requireParts(condition.part, attribute)
      return
    default:
      if (condition.op === 'any' || !findAttribute(attribute.subAttributes ?? [], condition.attribute))
        throw scimErrors.invalidFilter()
  }
}
