import type { Comparison, Condition } from './parse.ts'

/** Whether one value of a list, such as one of `emails`, is what the filter of a path selects. Texts in whatever case. */
export function matches(condition: Condition, element: Readonly<Record<string, unknown>>): boolean {
  switch (condition.op) {
    case 'and':
      return condition.parts.every((part) => matches(part, element))
    case 'or':
      return condition.parts.some((part) => matches(part, element))
    case 'not':
      return !matches(condition.part, element)
    case 'any':
      return false
    default:
      return compares(condition, element)
  }
}

function compares({ op, attribute, value }: Comparison, element: Readonly<Record<string, unknown>>): boolean {
  const name = Object.keys(element).find((one) => one.toLowerCase() === attribute)
  const found = name === undefined ? undefined : element[name]
  if (op === 'pr') return found !== undefined
  if (op === 'ne') return comparable(found) !== comparable(value)
  if (found === undefined) return false
  const [one, other] = [comparable(found), comparable(value)]
  switch (op) {
    case 'eq':
      return one === other
    case 'co':
      return one.includes(other)
    case 'sw':
      return one.startsWith(other)
    case 'ew':
      return one.endsWith(other)
    default:
      return false
  }
}

/** `true` and `"True"` are the same: Entra writes both. */
function comparable(value: unknown): string {
  return String(value).toLowerCase()
}
