import { and, asc, count, eq, getTableColumns, ne, notExists, or, type SQL, sql } from 'drizzle-orm'
import { type Id, isId, violates } from '../../platform/index.ts'
import type { TenantExecutor, TenantTx } from '../../tenancy/index.ts'
import { canonicalEmail, type TenantUser, tenantUsers } from '../../users/index.ts'
import { scimErrors } from '../errors.ts'
import {
  booleanSearch,
  equalitySearch,
  requireText,
  type Search,
  type Searches,
  textSearch,
  timeSearch,
} from '../filter/store.ts'
import type { Attributes } from '../resources/read.ts'
import { scimUsers } from '../tables.ts'
import { foldName } from './user-name.ts'

const { passwordHash: _, ...USER } = getTableColumns(tenantUsers)
const HAS_OWN_CREDENTIAL = sql<boolean>`(${tenantUsers.passwordHash} is not null or ${tenantUsers.coreUserId} is not null)`

/** A user of the organization, and what the directory says of it beyond that. */
export interface StoredUser {
  readonly user: TenantUser
  /** Signs in with a password of its own or of the platform, and so has an address that is not the directory's. */
  readonly hasOwnCredential: boolean
  readonly scim: typeof scimUsers.$inferSelect | null
}

export interface UserNames {
  readonly userName: string
  readonly userNameKey: string
  readonly externalId: string | null
  readonly attributes: Attributes
}

export async function findUser(tenant: TenantExecutor, id: Id): Promise<StoredUser | undefined> {
  const [row] = await select(tenant).where(eq(tenantUsers.id, id))
  return row
}

/** A page of users in the order in which they came. */
export async function listUsers(
  tenant: TenantExecutor,
  wanted: SQL | undefined,
  { offset, limit }: { readonly offset: number; readonly limit: number },
): Promise<StoredUser[]> {
  return await select(tenant).where(wanted).orderBy(asc(tenantUsers.id)).offset(offset).limit(limit)
}

export async function countUsers(tenant: TenantExecutor, wanted: SQL | undefined): Promise<number> {
  const [row] = await tenant.orm
    .select({ total: count() })
    .from(tenantUsers)
    .leftJoin(scimUsers, eq(scimUsers.userId, tenantUsers.id))
    .where(wanted)
  return row?.total ?? 0
}

/** @throws scimErrors.uniqueness */
export async function insertUser(
  tx: TenantTx,
  user: Pick<TenantUser, 'id' | 'email' | 'fullName' | 'isActive'>,
): Promise<void> {
  await tx.orm.insert(tenantUsers).values(user).catch(refuseDuplicate)
}

/** @throws scimErrors.uniqueness */
export async function updateUser(
  tx: TenantTx,
  id: Id,
  changes: Partial<Pick<TenantUser, 'email' | 'emailVerifiedAt' | 'fullName'>>,
): Promise<void> {
  await tx.orm
    .update(tenantUsers)
    .set({ ...changes, updatedAt: sql`now()` })
    .where(eq(tenantUsers.id, id))
    .catch(refuseDuplicate)
}

/** Whether the name is another user's: in the directory, or as the address of one whom that does not know. */
export async function isNameTaken(tx: TenantTx, userNameKey: string, id: Id): Promise<boolean> {
  const isKnown = tx.orm
    .select({ id: scimUsers.userId })
    .from(scimUsers)
    .where(eq(scimUsers.userId, tenantUsers.id))
  const rows = await tx.orm
    .select({ id: tenantUsers.id })
    .from(tenantUsers)
    .leftJoin(scimUsers, eq(scimUsers.userId, tenantUsers.id))
    .where(
      and(
        ne(tenantUsers.id, id),
        or(
          eq(scimUsers.userNameKey, userNameKey),
          and(eq(tenantUsers.email, userNameKey), notExists(isKnown)),
        ),
      ),
    )
    .limit(1)
  return rows.length > 0
}

/** Keeps what the directory says of a user. @throws scimErrors.uniqueness */
export async function saveNames(tx: TenantTx, userId: Id, names: UserNames): Promise<void> {
  await tx.orm
    .insert(scimUsers)
    .values({ userId, ...names })
    .onConflictDoUpdate({ target: scimUsers.userId, set: { ...names, updatedAt: sql`now()` } })
    .catch(refuseDuplicate)
}

function select(tenant: TenantExecutor) {
  return tenant.orm
    .select({ user: USER, hasOwnCredential: HAS_OWN_CREDENTIAL, scim: scimUsers })
    .from(tenantUsers)
    .leftJoin(scimUsers, eq(scimUsers.userId, tenantUsers.id))
}

function refuseDuplicate(error: unknown): never {
  const isTaken = violates(error, 'users_email_key') || violates(error, 'scim_users_user_name_key_key')
  throw isTaken ? scimErrors.uniqueness({ cause: error }) : error
}

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
