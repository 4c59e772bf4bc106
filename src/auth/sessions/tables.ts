import { index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { coreUsers } from '../../users/index.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/**
 * Authentication methods: password, one-time code, recovery code; a passkey that stays in one device or is copied to others
 * (a key in hardware or in software, as far as anybody can tell), and that its user was there; the organization's identity
 * provider, and a second factor that this one saw and is trusted with.
 */
export const AMR = ['pwd', 'otp', 'rcv', 'hwk', 'swk', 'user', 'sso', 'mfa'] as const
export type Amr = (typeof AMR)[number]

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
    /** How its user proved to be who it is, as in `amr` (RFC 8176). */
    amr: text({ enum: AMR }).array().notNull().default(['pwd']),
    /** The sign-in, or the last time that its user proved it again: dangerous actions want it recent. */
    authenticatedAt: time('authenticated_at').notNull().defaultNow(),
    /** When its user last showed a second factor; null while never. */
    secondFactorAt: time('second_factor_at'),
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
