import { sql } from 'drizzle-orm'
import { boolean, check, pgTable, text, timestamp } from 'drizzle-orm/pg-core'

export const REGISTRATION_MODES = ['open', 'invite', 'closed'] as const

/**
 * Tenant database: who may join, and who else may act, one row, which the migration inserts. Whoever joins, or changes what members are, locks
 * the row first: see `store.ts`.
 */
export const organizationPolicy = pgTable(
  'organization_policy',
  {
    singleton: boolean().primaryKey().default(true),
    registration: text({ enum: REGISTRATION_MODES }).notNull().default('open'),
    /** Canonical; none means that any will do. */
    allowedEmailDomains: text('allowed_email_domains').array().notNull().default([]),
    /** Whether administrators of the platform may act as its users. */
    isImpersonationAllowed: boolean('allow_impersonation').notNull().default(true),
    /** Whether members get in through the organization's identity provider alone. Owners always have another way. */
    isSsoOnly: boolean('sso_only').notNull().default(false),
    updatedAt: timestamp('updated_at', { withTimezone: true, precision: 3 }).notNull().defaultNow(),
  },
  (table) => [
    check('organization_policy_singleton_check', sql`${table.singleton}`),
    check(
      'organization_policy_registration_check',
      sql`${table.registration} in ('open', 'invite', 'closed')`,
    ),
  ],
)
