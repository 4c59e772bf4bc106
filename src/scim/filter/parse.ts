import { type Filter, parse } from 'scim2-parse-filter'
import { scimErrors } from '../errors.ts'
import { SCIM_LIMITS } from '../limits.ts'

/**
 * A comparison of an attribute, by its name in lower case. Nothing but `pr`, which asks whether there is a value, goes
 * without one to compare with.
 */
export interface Comparison {
  readonly op: 'eq' | 'ne' | 'co' | 'sw' | 'ew' | 'gt' | 'ge' | 'lt' | 'le' | 'pr'
  readonly attribute: string
  readonly value: string | number | boolean | null
}

/** A filter of RFC 7644, section 3.4.2.2, as this server goes on with it. */
export type Condition =
  | Comparison
  | { readonly op: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly op: 'not'; readonly part: Condition }
  | { readonly op: 'any'; readonly attribute: string; readonly part: Condition }

const COMPARISONS: ReadonlySet<string> = new Set(['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le', 'pr'])

/** What the library's pattern for texts takes exponential time for (line breaks), and what has no business in a filter. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what it looks for.
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/**
 * Reads a filter. It is measured before the library sees it, and what the library makes of it is taken apart by a list of
 * what there is: it would also take `constructor` for an operator.
 *
 * @throws scimErrors.invalidFilter
 */
export function parseFilter(text: string): Condition {
  if (text.length > SCIM_LIMITS.filterCharacters || CONTROL.test(text)) throw scimErrors.invalidFilter()
  const budget = { comparisons: SCIM_LIMITS.filterComparisons }
  return convert(parseText(text), SCIM_LIMITS.filterDepth, budget)
}

function parseText(text: string): Filter {
  try {
    return parse(text)
  } catch (error) {
    // Its message quotes the filter, which may name a person.
    throw scimErrors.invalidFilter({ cause: error })
  }
}

function convert(filter: Filter, depth: number, budget: { comparisons: number }): Condition {
  if (depth === 0) throw scimErrors.invalidFilter({ detail: 'The filter is nested too deep.' })
  const below = (part: Filter) => convert(part, depth - 1, budget)
  switch (filter.op) {
    case 'and':
    case 'or':
      return { op: filter.op, parts: filter.filters.map(below) }
    case 'not':
      return { op: 'not', part: below(filter.filter) }
    case '[]':
      return { op: 'any', attribute: filter.attrPath.toLowerCase(), part: below(filter.valFilter) }
    default:
      if (!COMPARISONS.has(filter.op)) throw scimErrors.invalidFilter()
      if (--budget.comparisons < 0)
        throw scimErrors.invalidFilter({ detail: 'The filter compares too much.' })
      return {
        op: filter.op,
        attribute: filter.attrPath.toLowerCase(),
        value: 'compValue' in filter ? filter.compValue : null,
      }
  }
}
