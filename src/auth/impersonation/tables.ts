import { sql } from 'drizzle-orm'
import { boolean, check, index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** By whom one was ended before its time; `refused`: the organization said no at the last moment. */
export const ENDINGS = ['administrator', 'organization', 'policy', 'refused'] as const
export type Ending = (typeof ENDINGS)[number]

/**
 * Core and tenant databases alike: when an administrator of the platform acted as a user of an organization, and why.
 * Kept when sessions and users are gone, so it refers to none. Both databases have the row under the id of the session
 * in the tenant database; the platform's decides whether it goes on, as must the session.
 */
export const impersonations = pgTable(
  'impersonations',
  {
    id: uuid().primaryKey(),
    organizationId: uuid('organization_id').notNull(),
    /** The tenant user. */
    userId: uuid('user_id').notNull(),
    /** The core user, who operates the platform. */
    adminId: uuid('admin_id').notNull(),
    /** What it ends with. */
    coreSessionId: uuid('core_session_id').notNull(),
    /** What the administrator wrote, for the organization to read. */
    reason: text().notNull(),
    isReadOnly: boolean('is_read_only').notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    endedAt: time('ended_at'),
    endedBy: text('ended_by', { enum: ENDINGS }),
  },
  (table) => [
    index('impersonations_live_idx').on(table.expiresAt).where(sql`${table.endedAt} is null`),
    check('impersonations_end_check', sql`(${table.endedAt} is null) = (${table.endedBy} is null)`),
  ],
)
