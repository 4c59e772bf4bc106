import { type SQL, sql } from 'drizzle-orm'
import { scimErrors } from '../errors.ts'
import type { Comparison, Condition } from './parse.ts'

/** How one attribute is searched for. Throws scimErrors.invalidFilter for a comparison that it does not have. */
export type Search = (comparison: Comparison) => SQL

/** What can be searched for, by names in lower case. */
export type Searches = ReadonlyMap<string, Search>

/**
 * Makes a filter a condition of SQL: names come from the table of searches, values become parameters.
 *
 * @param urn of the resource, in front of which attributes may be named
 * @throws scimErrors.invalidFilter
 */
export function filterToSql(condition: Condition, searches: Searches, urn: string): SQL {
  const prefix = `${urn.toLowerCase()}:`
  const named = (name: string) => (name.startsWith(prefix) ? name.slice(prefix.length) : name)
  const translate = (part: Condition, within: string): SQL => {
    switch (part.op) {
      case 'and':
      case 'or': {
        const parts = part.parts.map((one) => translate(one, within))
        return sql`(${sql.join(parts, part.op === 'and' ? sql` and ` : sql` or `)})`
      }
      case 'not':
        return sql`(${translate(part.part, within)}) is not true`
      case 'any':
        if (within !== '') throw scimErrors.invalidFilter()
        return translate(part.part, `${named(part.attribute)}.`)
      default: {
        const search = searches.get(within + named(part.attribute))
        if (!search)
          throw scimErrors.invalidFilter({
            detail: 'The filter compares an attribute that cannot be searched for.',
          })
        return search(part)
      }
    }
  }
  return translate(condition, '')
}

/** Searches a text in whatever case. */
export function textSearch(column: SQL): Search {
  return ({ op, value }) => {
    if (op === 'pr') return sql`${column} is not null`
    const wanted = sql`lower(${requireText(value)}::text)`
    switch (op) {
      case 'eq':
        return sql`lower(${column}) = ${wanted}`
      case 'ne':
        return sql`lower(${column}) is distinct from ${wanted}`
      case 'co':
        return sql`strpos(lower(${column}), ${wanted}) > 0`
      case 'sw':
        return sql`starts_with(lower(${column}), ${wanted})`
      case 'ew':
        return sql`right(lower(${column}), length(${wanted})) = ${wanted}`
      default:
        throw scimErrors.invalidFilter()
    }
  }
}

/** Compares for equality alone, by the statement that is given for it. */
export function equalitySearch(equals: (value: string) => SQL, column: SQL): Search {
  return ({ op, value }) => {
    if (op === 'pr') return sql`${column} is not null`
    if (op === 'eq') return equals(requireText(value))
    if (op === 'ne') return sql`(${equals(requireText(value))}) is not true`
    throw scimErrors.invalidFilter()
  }
}

export function booleanSearch(column: SQL): Search {
  return ({ op, value }) => {
    if (op === 'pr') return sql`true`
    const text = String(value).toLowerCase()
    if ((op !== 'eq' && op !== 'ne') || (text !== 'true' && text !== 'false'))
      throw scimErrors.invalidFilter()
    return sql`${column} = ${(text === 'true') === (op === 'eq')}`
  }
}

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i
const ORDER = { gt: sql`>`, ge: sql`>=`, lt: sql`<`, le: sql`<=`, eq: sql`=`, ne: sql`<>` } as const

export function timeSearch(column: SQL): Search {
  return ({ op, value }) => {
    if (op === 'pr') return sql`true`
    const text = requireText(value)
    const moment = TIME.test(text) ? new Date(text) : undefined
    const year = moment?.getUTCFullYear() ?? Number.NaN
    // Others are written in a way that PostgreSQL does not read.
    if (!(op in ORDER) || !moment || !(year >= 1 && year <= 9999)) throw scimErrors.invalidFilter()
    return sql`${column} ${ORDER[op as keyof typeof ORDER]} ${moment.toISOString()}::timestamptz`
  }
}

/** @throws scimErrors.invalidFilter */
export function requireText(value: unknown): string {
  if (typeof value !== 'string') throw scimErrors.invalidFilter()
  return value
}
