import { index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { coreUsers } from '../../users/index.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** The device of a session whose client did not say, or said what nobody knows. */
export const UNKNOWN_DEVICE = 'Unknown device'

/**
 * Core and tenant databases alike: a sign-in and all that came of it. Both databases call their people `users`, so one
 * definition, and one set of queries, serves both.
 */
export const sessions = pgTable(
  'sessions',
  {
    id: uuid().primaryKey(),
    userId: uuid('user_id')
      .notNull()
      .references(() => coreUsers.id, { onDelete: 'cascade' }),
    createdAt: time('created_at').notNull().defaultNow(),
    /** The sign-in or the last refresh. */
    lastUsedAt: time('last_used_at').notNull().defaultNow(),
    /** Moved by each refresh, never past the absolute end that `created_at` decides. */
    expiresAt: time('expires_at').notNull(),
    revokedAt: time('revoked_at'),
    /** Where it was last used from, coarsely: for its owner's eyes, and for no decision. */
    device: text().notNull().default(UNKNOWN_DEVICE),
    address: text(),
  },
  (table) => [index('sessions_user_id_idx').on(table.userId)],
)

/** Core and tenant databases alike: every refresh token of a session, so that an old one is known when it comes again. */
export const refreshTokens = pgTable(
  'refresh_tokens',
  {
    /** SHA-256 of the token, base64url. */
    hash: text().primaryKey(),
    sessionId: uuid('session_id')
      .notNull()
      .references(() => sessions.id, { onDelete: 'cascade' }),
    createdAt: time('created_at').notNull().defaultNow(),
    usedAt: time('used_at'),
  },
  (table) => [index('refresh_tokens_session_id_idx').on(table.sessionId)],
)
