import { scimErrors } from '../errors.ts'
import { SCIM_LIMITS } from '../limits.ts'
import { type Attributes, isObject } from './read.ts'

/** Which attributes a client wants to see (RFC 7644, section 3.9), in lower case. `id`, `schemas` and `meta` always come. */
export interface Projection {
  readonly only: ReadonlySet<string> | undefined
  readonly without: ReadonlySet<string>
}

const ALWAYS: ReadonlySet<string> = new Set(['id', 'schemas', 'meta'])

/**
 * @param urn of the resource, in front of which attributes may be named
 * @throws scimErrors.invalidValue when both are given, tooMany
 */
export function readProjection(
  { attributes, excludedAttributes }: { attributes?: string; excludedAttributes?: string },
  urn: string,
): Projection {
  if (attributes && excludedAttributes)
    throw scimErrors.invalidValue({ detail: 'Send attributes or excludedAttributes, not both.' })
  return {
    only: attributes ? namesIn(attributes, urn) : undefined,
    without: namesIn(excludedAttributes ?? '', urn),
  }
}

/** Whether an attribute that costs something is wanted. */
export function isWanted({ only, without }: Projection, name: string): boolean {
  const lower = name.toLowerCase()
  if (without.has(lower)) return false
  return !only || [...only].some((one) => one === lower || one.startsWith(`${lower}.`))
}

/** A resource without what the client does not want to see. */
export function project(resource: Attributes, { only, without }: Projection): Attributes {
  if (!only && without.size === 0) return resource
  const chosen = Object.entries(resource).flatMap(([name, value]): [string, unknown][] => {
    const lower = name.toLowerCase()
    if (ALWAYS.has(lower)) return [[name, value]]
    if (!only) {
      const rest = without.has(lower) ? undefined : keepParts(value, (part) => !isNamed(without, lower, part))
      return rest === undefined ? [] : [[name, rest]]
    }
    if (only.has(lower)) return [[name, value]]
    const parts = keepParts(value, (part) => isNamed(only, lower, part))
    return parts === undefined || parts === value ? [] : [[name, parts]]
  })
  return Object.fromEntries(chosen)
}

/** Parts of an attribute follow a dot, those of an extension a colon. */
function isNamed(names: ReadonlySet<string>, attribute: string, part: string): boolean {
  const lower = part.toLowerCase()
  return names.has(`${attribute}.${lower}`) || names.has(`${attribute}:${lower}`)
}

/** The parts that are kept, of each value; `undefined` when none is. A value without parts stays what it is. */
function keepParts(value: unknown, isKept: (part: string) => boolean): unknown {
  if (Array.isArray(value)) {
    if (!value.every(isObject)) return value
    const kept = value.map((one) => keepParts(one, isKept)).filter((one) => one !== undefined)
    return kept.length === 0 ? undefined : kept
  }
  if (!isObject(value)) return value
  const parts = Object.entries(value).filter(([part]) => isKept(part))
  return parts.length === 0 ? undefined : Object.fromEntries(parts)
}

function namesIn(list: string, urn: string): ReadonlySet<string> {
  const prefix = `${urn.toLowerCase()}:`
  const names = list
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .map((name) => (name.startsWith(prefix) ? name.slice(prefix.length) : name))
    .filter((name) => name !== '')
  if (names.length > SCIM_LIMITS.projectedNames) throw scimErrors.tooMany()
  return new Set(names)
}
