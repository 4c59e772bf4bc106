import { eq, sql } from 'drizzle-orm'
import { isId } from '../../platform/index.ts'
import {
  equalitySearch,
  requireText,
  type Search,
  type Searches,
  textSearch,
  timeSearch,
} from '../filter/to-sql.ts'
import { scimGroupMembers, scimGroups } from '../tables.ts'
import { foldGroupName } from './resource.ts'

const searchNames = textSearch(sql`${scimGroups.displayNameKey}`)
const displayName: Search = (comparison) => {
  const { op, value } = comparison
  if (op === 'pr') return sql`true`
  const wanted = foldGroupName(requireText(value))
  return op === 'eq' ? eq(scimGroups.displayNameKey, wanted) : searchNames({ ...comparison, value: wanted })
}

const byMember = equalitySearch(
  (text) =>
    isId(text)
      ? sql`${scimGroups.id} in (select ${scimGroupMembers.groupId} from ${scimGroupMembers}
          where ${scimGroupMembers.userId} = ${text})`
      : sql`false`,
  sql`(select min(${scimGroupMembers.userId}::text) from ${scimGroupMembers}
    where ${scimGroupMembers.groupId} = ${scimGroups.id})`,
)

/** What groups can be searched for. */
export const GROUP_SEARCHES: Searches = new Map<string, Search>([
  [
    'id',
    equalitySearch((text) => (isId(text) ? eq(scimGroups.id, text) : sql`false`), sql`${scimGroups.id}`),
  ],
  ['externalid', equalitySearch((text) => eq(scimGroups.externalId, text), sql`${scimGroups.externalId}`)],
  ['displayname', displayName],
  ['members', byMember],
  ['members.value', byMember],
  ['meta.created', timeSearch(sql`${scimGroups.createdAt}`)],
  ['meta.lastmodified', timeSearch(sql`${scimGroups.updatedAt}`)],
])
