import { eq, type SQL, sql } from 'drizzle-orm'
import { isId } from '../../platform/index.ts'
import { canonicalEmail, tenantUsers } from '../../users/index.ts'
import { scimErrors } from '../errors.ts'
import {
  booleanSearch,
  equalitySearch,
  requireText,
  type Search,
  type Searches,
  textSearch,
  timeSearch,
} from '../filter/to-sql.ts'
import { scimUsers } from '../tables.ts'
import { foldName } from './user-name.ts'

const USER_NAME = sql`coalesce(${scimUsers.userNameKey}, ${tenantUsers.email})`
const searchUserNames = textSearch(USER_NAME)

/** By an index each: of those whom the directory knows, and of the others, whose address is their name. */
const userName: Search = (comparison) => {
  const { op, value } = comparison
  if (op === 'pr') return sql`true`
  const wanted = foldName(requireText(value))
  if (op !== 'eq') return searchUserNames({ ...comparison, value: wanted })
  return sql`${tenantUsers.id} in (
    select ${scimUsers.userId} from ${scimUsers} where ${scimUsers.userNameKey} = ${wanted}
    union all
    select u.id from ${tenantUsers} u where u.email = ${wanted}
      and not exists (select from ${scimUsers} s where s.user_id = u.id))`
}

const searchEmails = textSearch(sql`${tenantUsers.email}`)
const email: Search = (comparison) => {
  if (comparison.op !== 'eq') return searchEmails(comparison)
  const wanted = canonicalEmail(requireText(comparison.value))
  return wanted === undefined ? sql`false` : eq(tenantUsers.email, wanted)
}

/** The address of the account stands for the one for work: no other one can be searched for. */
const emailType: Search = ({ op, value }) => {
  if (op !== 'eq') throw scimErrors.invalidFilter()
  return requireText(value).toLowerCase() === 'work' ? sql`true` : sql`false`
}

const byId = equalitySearch(
  (text) => (isId(text) ? eq(tenantUsers.id, text) : sql`false`),
  sql`${tenantUsers.id}`,
)
const byExternalId = equalitySearch(
  (text): SQL => eq(scimUsers.externalId, text),
  sql`${scimUsers.externalId}`,
)

/** What users can be searched for. Names are attributes of SCIM, never columns: what is not here cannot be reached. */
export const USER_SEARCHES: Searches = new Map<string, Search>([
  ['id', byId],
  ['externalid', byExternalId],
  ['username', userName],
  ['emails', email],
  ['emails.value', email],
  ['emails.type', emailType],
  ['emails.primary', booleanSearch(sql`true`)],
  ['active', booleanSearch(sql`${tenantUsers.isActive}`)],
  [
    'displayname',
    textSearch(sql`coalesce(${scimUsers.attributes} ->> 'displayName', ${tenantUsers.fullName})`),
  ],
  ['meta.created', timeSearch(sql`${tenantUsers.createdAt}`)],
  ['meta.lastmodified', timeSearch(sql`greatest(${tenantUsers.updatedAt}, ${scimUsers.updatedAt})`)],
])
