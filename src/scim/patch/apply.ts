import { AppError } from '../../platform/index.ts'
import { scimErrors } from '../errors.ts'
import { findAttribute } from '../resources/attribute.ts'
import { type Attributes, isObject, readAttribute } from '../resources/read.ts'
import type { Operation } from './message.ts'
import { type PathScope, parsePath, type Target } from './path.ts'
import { changeValues } from './values.ts'

/**
 * Applies operations to attributes, one after another, and gives the outcome; what was given stays as it is. Written by
 * hand, because a library that follows the client's own names through objects can be led into their prototypes.
 *
 * @throws scimErrors
 */
export function applyPatch(
  scope: PathScope,
  resource: Attributes,
  operations: readonly Operation[],
): Attributes {
  let result = resource
  for (const operation of operations)
    for (const { target, value } of targetsOf(operation, scope))
      result = change(result, operation.op, target, value)
  return result
}

interface Aim {
  readonly target: Target
  readonly value: unknown
}

/** Without a path each name in the value is one; those that this resource does not have are left out, as in a PUT. */
function targetsOf({ path, value }: Operation, scope: PathScope): Aim[] {
  if (path !== undefined) return aimAt(path, value, scope)
  if (!isObject(value)) throw scimErrors.invalidValue({ detail: 'Without a path, the value is an object.' })
  return Object.entries(value).flatMap(([name, part]) => {
    try {
      return aimAt(name, part, scope)
    } catch (error) {
      if (error instanceof AppError && error.code === scimErrors.invalidPath.definition.code) return []
      throw error
    }
  })
}

function aimAt(path: string, value: unknown, scope: PathScope): Aim[] {
  const target = parsePath(path, scope)
  return target ? [{ target, value: valueFor(path, target, value) }] : []
}

/** A part of a part, `manager.value` of the enterprise extension, is written as the whole part. */
function valueFor(path: string, { part }: Target, value: unknown): unknown {
  const name = path.slice(path.lastIndexOf('.') + 1)
  const isBelow = part?.subAttributes && findAttribute(part.subAttributes, name) && !isObject(value)
  return isBelow && value !== null && value !== undefined && value !== '' ? { [name]: value } : value
}

function change(resource: Attributes, op: Operation['op'], target: Target, value: unknown): Attributes {
  const { attribute, part } = target
  const { [attribute.name]: old, ...others } = resource
  const next = attribute.multiValued
    ? changeValues(Array.isArray(old) ? old.filter(isObject) : [], op, target, value)
    : changeOne(old, op, target, value)
  const isUnassigned =
    next === undefined || (Array.isArray(next) && next.length === 0) || (part && isEmpty(next))
  return isUnassigned ? others : { ...others, [attribute.name]: next }
}

function changeOne(old: unknown, op: Operation['op'], { attribute, part }: Target, value: unknown): unknown {
  if (part) {
    const { [part.name]: oldPart, ...others } = isObject(old) ? old : {}
    const read = op === 'remove' ? undefined : readAttribute(part, value)
    const next = isObject(read) && isObject(oldPart) ? { ...oldPart, ...read } : read
    return next === undefined ? others : { ...others, [part.name]: next }
  }
  if (op === 'remove') return undefined
  const read = readAttribute(attribute, value)
  // Of an object, parts that are not named stay (RFC 7644, section 3.5.2.3).
  return isObject(read) && isObject(old) ? { ...old, ...read } : read
}

function isEmpty(value: unknown): boolean {
  return isObject(value) && Object.keys(value).length === 0
}
