import type { Id } from '../../platform/index.ts'
import { scimErrors } from '../errors.ts'
import type { Condition } from '../filter/parse.ts'
import type { Operation } from '../patch/message.ts'
import { type PathScope, parsePath, type Target } from '../patch/path.ts'
import { findAttribute } from '../resources/attribute.ts'
import { GROUP_ATTRIBUTES, GROUP_BODY } from '../resources/group-schema.ts'
import { type Attributes, isObject, readAttribute } from '../resources/read.ts'
import { EXTERNAL_ID, IGNORED } from '../resources/user-schema.ts'
import { URN } from '../urns.ts'
import { readMemberIds } from './resource.ts'

/** What becomes of the members; in the order in which it was said. */
export interface MemberStep {
  readonly op: 'add' | 'remove' | 'set'
  readonly ids: readonly Id[]
}

/** What the operations of one request make of a group. */
export interface GroupPatch {
  /** Of the names, those that change; null takes one away. */
  readonly names: Attributes
  readonly steps: readonly MemberStep[]
}

const SCOPE: PathScope = { attributes: [...GROUP_ATTRIBUTES, EXTERNAL_ID], urn: URN.group, ignored: IGNORED }

/**
 * Reads operations on a group. Members are a set that stays in the database, however many they are: only those that a
 * request names pass through here.
 *
 * @throws scimErrors
 */
export function readGroupPatch(operations: readonly Operation[]): GroupPatch {
  const names: Record<string, unknown> = {}
  const steps: MemberStep[] = []
  const take = (op: Operation['op'], target: Target | undefined, value: unknown) => {
    if (target?.attribute.name === 'members') steps.push(memberStep(op, target, value))
    else if (target) names[target.attribute.name] = nameOf(op, target, value)
  }
  for (const { op, path, value } of operations) {
    if (path !== undefined) take(op, parsePath(path, SCOPE), value)
    else if (isObject(value)) for (const [name, part] of Object.entries(value)) take(op, whole(name), part)
    else throw scimErrors.invalidValue({ detail: 'Without a path, the value is an object.' })
  }
  return { names, steps }
}

/** Okta sends the id along; names that a group does not have are left out, as in a PUT. */
function whole(name: string): Target | undefined {
  const attribute = findAttribute(SCOPE.attributes, name)
  return attribute && { attribute, filter: undefined, part: undefined }
}

function nameOf(op: Operation['op'], { attribute, part, filter }: Target, value: unknown): unknown {
  if (part || filter || !GROUP_BODY.includes(attribute)) throw scimErrors.invalidPath()
  return op === 'remove' ? null : (readAttribute(attribute, value) ?? null)
}

function memberStep(op: Operation['op'], { filter, part }: Target, value: unknown): MemberStep {
  if (part) throw scimErrors.mutability({ detail: 'Members are added and removed as they are.' })
  if (filter) {
    if (op !== 'remove') throw scimErrors.invalidPath()
    return { op, ids: idsIn(filter) }
  }
  if (op === 'replace') return { op: 'set', ids: readMemberIds(value) }
  const ids = readMemberIds(value)
  // Without a value, all of them go (RFC 7644, section 3.5.2.2).
  return op === 'remove' && (value === undefined || value === null) ? { op: 'set', ids: [] } : { op, ids }
}

/** `members[value eq "…"]`, or several with `or`. */
function idsIn(filter: Condition): Id[] {
  if (filter.op === 'or') return filter.parts.flatMap(idsIn)
  if (filter.op !== 'eq' || filter.attribute !== 'value') throw scimErrors.invalidFilter()
  return readMemberIds([filter.value])
}
