import { sql } from 'drizzle-orm'
import { boolean, check, pgTable, timestamp } from 'drizzle-orm/pg-core'

/** Tenant database: whether the organization asks its members for a second factor. One row, or none: then it does not. */
export const secondFactorPolicy = pgTable(
  'second_factor_policy',
  {
    singleton: boolean().primaryKey().default(true),
    isRequired: boolean('is_required').notNull(),
    updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  },
  (table) => [check('second_factor_policy_singleton_check', sql`${table.singleton}`)],
)
