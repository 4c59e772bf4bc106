import { index, pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core'
import { tenantUsers } from '../../users/index.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })

/** Tenant database: keys that machines show in place of a person's access token. */
export const apiKeys = pgTable(
  'api_keys',
  {
    id: uuid().primaryKey(),
    name: text().notNull(),
    /** SHA-256 of the secret, base64url. The key itself is kept by whoever made it. */
    secretHash: text('secret_hash').notNull(),
    /** Permissions; what the creator's role may not do now, the key may not either. */
    scopes: text().array().notNull(),
    /** Under whose name it acts. Whoever is removed takes the keys along. */
    createdBy: uuid('created_by')
      .notNull()
      .references(() => tenantUsers.id, { onDelete: 'cascade' }),
    createdAt: time('created_at').notNull().defaultNow(),
    /** There is none without: a key that nobody thinks of any more ends by itself. */
    expiresAt: time('expires_at').notNull(),
    /** Within a minute. */
    lastUsedAt: time('last_used_at'),
    /** The /24 or /48 that it was last used from: for people's eyes, and for no decision. */
    lastUsedFrom: text('last_used_from'),
    revokedAt: time('revoked_at'),
    revokedBy: uuid('revoked_by').references(() => tenantUsers.id, { onDelete: 'set null' }),
  },
  (table) => [
    index('api_keys_created_by_idx').on(table.createdBy),
    index('api_keys_revoked_by_idx').on(table.revokedBy),
  ],
)
