import { pgTable, primaryKey, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { coreUsers } from '../../users/index.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** What a link in a mail may do. */
export const PURPOSES = ['password-reset', 'email-verification', 'email-change'] as const
export type Purpose = (typeof PURPOSES)[number]

/** Core and tenant databases alike: what links in mails carry. One row for each use, so that only the newest link works. */
export const oneTimeTokens = pgTable(
  'one_time_tokens',
  {
    userId: uuid('user_id')
      .notNull()
      .references(() => coreUsers.id, { onDelete: 'cascade' }),
    purpose: text({ enum: PURPOSES }).notNull(),
    /** SHA-256 of the token, base64url. */
    hash: text().notNull().unique('one_time_tokens_hash_key'),
    /** Where it was sent to. */
    email: text().notNull(),
    createdAt: time('created_at').notNull().defaultNow(),
    expiresAt: time('expires_at').notNull(),
    usedAt: time('used_at'),
  },
  (table) => [primaryKey({ name: 'one_time_tokens_pkey', columns: [table.userId, table.purpose] })],
)
