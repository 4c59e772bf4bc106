import { index, integer, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'

/** To the microsecond: a moment that was rounded up would refuse who comes right after it. */
const time = (name: string) => timestamp(name, { withTimezone: true })

/**
 * Core database: what accounts and networks tried lately, counted by all processes together. An account that does not
 * exist has a row like any other.
 */
export const throttles = pgTable(
  'throttles',
  {
    /** Keyed hash of what is counted: neither a stranger's address nor a network's lies here in the clear. */
    key: text().primaryKey(),
    count: integer().notNull(),
    /** Nothing more is tried before. A network is not blocked but counted until its window is over. */
    blockedUntil: time('blocked_until').notNull(),
    /** From then on the row says nothing, and is deleted. */
    expiresAt: time('expires_at').notNull(),
    /** The last attempt that was let through; null for networks. */
    lastAttempt: uuid('last_attempt'),
  },
  (table) => [index('throttles_expires_at_idx').on(table.expiresAt)],
)
