import { index, pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { coreUsers, TENANT_ROLES } from '../../users/index.ts'
import { organizations } from '../tables.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/**
 * Core database: in which organizations a platform user is an active member, copied from their databases, which have the
 * truth. The owner of record has a row only since something about it changed: `organizations.owner_id` says as much.
 */
export const memberships = pgTable(
  'memberships',
  {
    coreUserId: uuid('core_user_id')
      .notNull()
      .references(() => coreUsers.id, { onDelete: 'cascade' }),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    role: text({ enum: TENANT_ROLES }).notNull(),
    updatedAt: time('updated_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: 'memberships_pkey', columns: [table.coreUserId, table.organizationId] }),
    index('memberships_organization_id_idx').on(table.organizationId),
  ],
)

/**
 * Core database: memberships that are being changed in a tenant's database, noted before that. What is left here was
 * changed, or not, by a process that died.
 */
export const membershipChanges = pgTable(
  'membership_changes',
  {
    id: uuid().notNull(),
    coreUserId: uuid('core_user_id')
      .notNull()
      .references(() => coreUsers.id, { onDelete: 'cascade' }),
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    createdAt: time('created_at').notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ name: 'membership_changes_pkey', columns: [table.id, table.coreUserId] }),
    index('membership_changes_core_user_id_idx').on(table.coreUserId),
    index('membership_changes_created_at_idx').on(table.createdAt),
  ],
)
