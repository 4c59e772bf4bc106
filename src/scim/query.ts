import type { SQL } from 'drizzle-orm'
import { type Static, Type } from 'typebox'
import { Exactly } from '../http/index.ts'
import { parseFilter } from './filter/parse.ts'
import { filterToSql, type Searches } from './filter/store.ts'
import { SCIM_LIMITS } from './limits.ts'
import { type Projection, readProjection } from './resources/projection.ts'
import type { Attributes } from './resources/read.ts'
import { URN } from './urns.ts'

const Names = Type.String({ maxLength: 2048, description: 'Names of attributes, with commas between them.' })

const Projected = {
  attributes: Type.Optional(Names),
  excludedAttributes: Type.Optional(Names),
}

/** What a request for one resource may ask for. */
export const ProjectionQuery = Exactly(Projected)

const WholeNumber = Type.String({ pattern: '^-?[0-9]{1,9}$' })
const Unsupported = Type.String({ maxLength: 512, description: 'Not supported: the order stays what it is.' })

/** What a request for a list may ask for. */
export const ListQuery = Exactly({
  filter: Type.Optional(Type.String({ description: `RFC 7644, section 3.4.2.2.` })),
  startIndex: Type.Optional(WholeNumber),
  count: Type.Optional(WholeNumber),
  sortBy: Type.Optional(Unsupported),
  sortOrder: Type.Optional(Unsupported),
  ...Projected,
})

/** Which part of a list is wanted. */
export interface Page {
  readonly offset: number
  readonly limit: number
}

export interface ListRequest {
  readonly wanted: SQL | undefined
  readonly page: Page
  readonly projection: Projection
}

/**
 * Reads the query of a list. Numbers out of range are brought into it, as RFC 7644, section 3.4.2.4, wants.
 *
 * @throws scimErrors.invalidFilter, invalidValue, tooMany
 */
export function readListQuery(query: Static<typeof ListQuery>, searches: Searches, urn: string): ListRequest {
  const { filter, startIndex = '1', count = String(SCIM_LIMITS.pageSize) } = query
  return {
    wanted: filter === undefined ? undefined : filterToSql(parseFilter(filter), searches, urn),
    page: {
      offset: Math.max(Number(startIndex), 1) - 1,
      limit: Math.min(Math.max(Number(count), 0), SCIM_LIMITS.pageSize),
    },
    projection: readProjection(query, urn),
  }
}

/** A page as SCIM answers it. */
export function listResponse(total: number, { offset }: Page, resources: readonly Attributes[]): Attributes {
  return {
    schemas: [URN.list],
    totalResults: total,
    startIndex: offset + 1,
    itemsPerPage: resources.length,
    Resources: resources,
  }
}
