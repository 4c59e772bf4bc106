import { scimErrors } from '../errors.ts'
import { matches } from '../filter/matches.ts'
import type { Condition } from '../filter/parse.ts'
import { SCIM_LIMITS } from '../limits.ts'
import { type Attribute, findAttribute } from '../resources/attribute.ts'
import { isObject, readAttribute } from '../resources/read.ts'
import type { Operation } from './message.ts'
import type { Target } from './path.ts'

/** One of the values of a list, such as one of `emails`. */
type Element = Readonly<Record<string, unknown>>

/**
 * Changes the values of a list.
 *
 * @throws scimErrors.noTarget, invalidValue, tooMany
 */
export function changeValues(
  old: readonly Element[],
  op: Operation['op'],
  target: Target,
  value: unknown,
): Element[] {
  const next =
    target.filter || target.part ? changeSelected(old, op, target, value) : changeAll(old, op, target, value)
  if (next.length > SCIM_LIMITS.arrayElements) throw scimErrors.tooMany()
  return keepOnePrimary(old, next)
}

function changeAll(
  old: readonly Element[],
  op: Operation['op'],
  { attribute }: Target,
  value: unknown,
): Element[] {
  const given = [readAttribute(attribute, value) ?? []].flat().filter(isObject)
  switch (op) {
    case 'replace':
      return given
    case 'add':
      return [...old, ...given.filter((one) => !old.some((other) => isSame(one, other)))]
    case 'remove':
      // Entra names the values that go in this way.
      return given.length === 0
        ? []
        : old.filter((one) => !given.some((other) => one['value'] === other['value']))
  }
}

function changeSelected(
  old: readonly Element[],
  op: Operation['op'],
  { attribute, filter, part }: Target,
  value: unknown,
): Element[] {
  const isSelected = (element: Element) => filter === undefined || matches(filter, element)
  if (op === 'remove') return removeSelected(old, isSelected, part)
  const change = part
    ? { [part.name]: readAttribute(part, value) }
    : ([readAttribute(attribute, value) ?? {}].flat().find(isObject) ?? {})
  if (!old.some(isSelected)) return [...old, filled({ ...selectedBy(attribute, filter), ...change })]
  return old.map((element) => (isSelected(element) ? filled({ ...element, ...change }) : element))
}

function removeSelected(
  old: readonly Element[],
  isSelected: (element: Element) => boolean,
  part: Attribute | undefined,
): Element[] {
  if (!part) return old.filter((element) => !isSelected(element))
  const rest = old.map((element) =>
    isSelected(element) ? filled({ ...element, [part.name]: undefined }) : element,
  )
  return rest.filter((element) => Object.keys(element).length > 0)
}

/**
 * What a value must be that such a filter selects: `[type eq "work"]` makes `{ type: 'work' }` where there is none yet, as
 * Entra and Okta expect.
 *
 * @throws scimErrors.noTarget where the filter does not say
 */
function selectedBy(attribute: Attribute, filter: Condition | undefined): Element {
  if (!filter) return {}
  const parts = filter.op === 'and' ? filter.parts : [filter]
  return Object.fromEntries(
    parts.map((part) => {
      const known = part.op === 'eq' && findAttribute(attribute.subAttributes ?? [], part.attribute)
      if (!known) throw scimErrors.noTarget()
      return [known.name, readAttribute(known, part.value)]
    }),
  )
}

/** Of several primary ones the newest stays (RFC 7644, section 3.5.2). */
function keepOnePrimary(old: readonly Element[], next: readonly Element[]): Element[] {
  const isPrimary = ({ primary }: Element) => primary === true
  if (next.filter(isPrimary).length < 2) return [...next]
  const isNew = (element: Element) => isPrimary(element) && !old.some((other) => isSame(element, other))
  const chosen = next.find(isNew) ?? next.find(isPrimary)
  return next.map((element) =>
    isPrimary(element) && element !== chosen ? filled({ ...element, primary: undefined }) : element,
  )
}

function filled(element: Element): Element {
  return Object.fromEntries(Object.entries(element).filter(([, value]) => value !== undefined))
}

function isSame(one: Element, other: Element): boolean {
  const names = Object.keys(one)
  return names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
}
