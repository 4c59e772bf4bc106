import { sql } from 'drizzle-orm'
import { check, index, integer, jsonb, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { tenantUsers } from '../users/index.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/**
 * Tenant database: what the organization's directory says of a user beyond what the user is here. A user without a row was
 * not made by the directory, and the directory has not changed it yet.
 */
export const scimUsers = pgTable(
  'scim_users',
  {
    userId: uuid('user_id')
      .primaryKey()
      .references(() => tenantUsers.id, { onDelete: 'cascade' }),
    /** As the directory wrote it. */
    userName: text('user_name').notNull(),
    /** The form in which two spellings are one. */
    userNameKey: text('user_name_key').notNull().unique('scim_users_user_name_key_key'),
    externalId: text('external_id'),
    /** Attributes of SCIM that mean nothing here, kept for the directory. */
    attributes: jsonb().$type<Readonly<Record<string, unknown>>>().notNull().default({}),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [
    index('scim_users_external_id_idx').on(table.externalId),
    check('scim_users_attributes_check', sql`octet_length(${table.attributes}::text) <= 65536`),
  ],
)

/** Tenant database: groups of the directory. They mean nothing to roles and permissions. */
export const scimGroups = pgTable(
  'scim_groups',
  {
    id: uuid().primaryKey(),
    /** As the directory wrote it. */
    displayName: text('display_name').notNull(),
    /** The form in which two spellings are one. */
    displayNameKey: text('display_name_key').notNull().unique('scim_groups_display_name_key_key'),
    externalId: text('external_id'),
    /** Counts changes, for the entity tag. */
    version: integer().notNull().default(1),
    createdAt: time('created_at').notNull().defaultNow(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [index('scim_groups_external_id_idx').on(table.externalId)],
)

/** Tenant database: who is in which group of the directory. */
export const scimGroupMembers = pgTable(
  'scim_group_members',
  {
    groupId: uuid('group_id')
      .notNull()
      .references(() => scimGroups.id, { onDelete: 'cascade' }),
    userId: uuid('user_id')
      .notNull()
      .references(() => tenantUsers.id, { onDelete: 'cascade' }),
  },
  (table) => [
    primaryKey({ name: 'scim_group_members_pkey', columns: [table.groupId, table.userId] }),
    index('scim_group_members_user_id_idx').on(table.userId),
  ],
)
